"""What people answer a template's questions with: known names, known time zones, known templates."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from orchestrator.errors import FlowError, NotFoundError
from orchestrator.nearest import nearest
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
    if ":" in template or Path(template).expanduser().is_dir():
        return template
    if "/" in template:
        raise NotFoundError(
            f"there is no folder {template}, so no template in it",
            fix="name one that is there, or an address such as gh:team/template",
        )
    raise NotFoundError(
        f"there is no template {template!r}", fix=nearest(template, packaged.names())
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
                fix=nearest(name, known, "it asks for: "),
            )


def check_time_zone(answers: Mapping[str, Any]) -> None:
    """Refuse a time zone that there is not.

    Raises:
        NotFoundError: It is that.
    """
    error = _no_zone(answers.get("timezone"))
    if error is not None:
        raise NotFoundError(error.what, where="timezone", fix=error.fix)


def time_zone_problem(name: str) -> str:
    """Return what to do about a wrong time zone, in the one line below its question; else nothing.

    Example:
        >>> time_zone_problem("Europe/Berlim"), time_zone_problem("UTC")
        ("did you mean 'Europe/Berlin' or 'Europe/Dublin' or 'Europe/Rome'?", '')
    """
    error = _no_zone(name)
    return error.fix or error.what if error is not None else ""


def _no_zone(name: object) -> FlowError | None:
    if name is None:
        return None
    from orchestrator.schedule.zone_data import load_zone

    try:
        load_zone(str(name))
    except FlowError as error:
        return error
    return None
