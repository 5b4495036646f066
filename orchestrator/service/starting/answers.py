"""What people answer a template's questions with: known names, known time zones, known templates."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from orchestrator.errors import NotFoundError
from orchestrator.service.starting import packaged


def template_address(template: str | None) -> str | None:
    """Return the address of a template that is not a packaged one; None for those.

    Args:
        template: A name, or what copier takes: a path, ``gh:team/template``, a git URL.

    Raises:
        NotFoundError: It is neither.

    Example:
        >>> template_address("gh:team/template")
        'gh:team/template'
        >>> template_address("analytics") is None
        True
    """
    if template is None or template in packaged.names():
        return None
    if ":" in template or "/" in template or Path(template).expanduser().exists():
        return template
    raise NotFoundError(
        f"there is no template {template!r}", fix=_nearest(template, packaged.names(), "templates")
    )


def refuse_unknown_answers(given: Mapping[str, str], known: Mapping[str, Any]) -> None:
    """Refuse answers to what a template does not ask.

    Raises:
        NotFoundError: One of them is that.
    """
    for name in given:
        if name not in known:
            raise NotFoundError(
                f"the template does not ask for {name!r}",
                where="--data",
                fix=_nearest(name, known, "it asks for"),
            )


def check_time_zone(answers: Mapping[str, Any]) -> None:
    """Refuse a time zone that there is not.

    Raises:
        NotFoundError: It is that.
    """
    import zoneinfo

    name = answers.get("timezone")
    if name is None or name in zoneinfo.available_timezones():
        return
    raise NotFoundError(
        f"there is no time zone {name!r}",
        where="timezone",
        fix=_nearest(str(name), zoneinfo.available_timezones(), "names are such as")
        if difflib.get_close_matches(str(name), zoneinfo.available_timezones(), 1)
        else "give a name such as Europe/Berlin or America/New_York",
    )


def _nearest(word: str, known: Iterable[str], title: str) -> str:
    names = sorted(known)
    near = difflib.get_close_matches(word, names, 2)
    return f"did you mean {' or '.join(near)}?" if near else f"{title}: {', '.join(names)}"
