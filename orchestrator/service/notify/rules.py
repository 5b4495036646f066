"""Rules: which changes of state, in which flows and tasks, a target is told of."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import time
from fnmatch import fnmatchcase
from typing import Any
from urllib.parse import urlsplit

from orchestrator.errors import ConfigurationError, FlowError
from orchestrator.kinds import Shape
from orchestrator.model.state import BROKEN, StateType
from orchestrator.nearest import nearest
from orchestrator.schedule.zone_data import load_zone
from orchestrator.service.notify.states import wanted
from orchestrator.settings import Settings

FORMATS = ("json", "slack", "apprise")
_SLACK = ("hooks.slack.com", "hooks.slack-gov.com")
_TEXT: Shape = {"type": "string", "pattern": r"\S"}
_WORDS: Shape = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
#: What a table may set, and each as JSON Schema.
KEYS: dict[str, Shape] = {
    "url": {**_TEXT, "description": 'where messages go, as in "secret:NAME"'},
    "format": {"enum": list(FORMATS), "description": "how; as the URL tells if left out"},
    "signing_secret": {**_TEXT, "description": "what webhooks are signed with, a reference"},
    "only_states": {**_WORDS, "description": "when one of these is entered"},
    "ignore_states": {**_WORDS, "description": "not when one of these is entered"},
    "flows": {**_WORDS, "description": "names of flows, with wildcards; all if left out"},
    "tasks": {**_WORDS, "description": "names of tasks, with wildcards: told of each task"},
    "tags": {**_WORDS, "description": "tags of tasks: told of each task"},
    "recovered": {"type": "boolean", "description": "whether to tell of a success after failures"},
    "not_started_by": {
        "type": "string",
        "description": "local time, as in 06:30, by which a run must have started each day",
    },
    "longer_than_usual": {
        "type": "number",
        "exclusiveMinimum": 1,
        "description": "tell of a run that takes so many times its usual length",
    },
    "timezone": {**_TEXT, "description": "of not_started_by, and of the times in messages"},
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One ``[notifications.NAME]`` table.

    Args:
        name: The table's name; the outbox knows the target by it.
        url: Where messages go; references to secrets are resolved when one is sent.
        format: ``json`` (signed webhook), ``slack``, ``apprise``, or None: as the URL tells.
        signing_secret: What webhooks are signed with; a reference.
        states: A message is sent when one of these is entered.
        flows: Patterns of names; none means all.
        tasks: Patterns of names or keys. With these or ``tags`` the rule is on tasks, not on runs.
        tags: Tags of tasks.
        recovered: Whether to tell when a flow succeeds again.
        not_started_by: Local time by which a run must have started each day.
        longer_than_usual: A run that takes so many times its usual length is told of.
        timezone: For ``not_started_by``, and for the times that messages show.

    Example:
        >>> rule = parse_rule("team", {"url": "https://example.org/hook", "flows": ["night*"]})
        >>> rule.on_run("nightly", StateType.FAILED), rule.on_run("hourly", StateType.FAILED)
        (True, False)
    """

    name: str
    url: str
    format: str | None = None
    signing_secret: str | None = None
    states: frozenset[StateType] = BROKEN
    flows: tuple[str, ...] = ()
    tasks: tuple[str, ...] = ()
    tags: frozenset[str] = frozenset()
    recovered: bool = False
    not_started_by: time | None = None
    longer_than_usual: float | None = None
    timezone: str = "UTC"

    @property
    def on_tasks(self) -> bool:
        """Whether the rule is on task runs."""
        return bool(self.tasks or self.tags)

    def covers(self, flow: str) -> bool:
        """Whether the rule is on this flow."""
        return not self.flows or _any(self.flows, flow)

    def on_run(self, flow: str, state: StateType) -> bool:
        """Whether to tell that a run of a flow entered a state."""
        return not self.on_tasks and state in self.states and self.covers(flow)

    def on_task(
        self, flow: str, key: str, name: str, tags: Iterable[str], state: StateType
    ) -> bool:
        """Whether to tell that a task run entered a state."""
        if not self.on_tasks or state not in self.states or not self.covers(flow):
            return False
        named = not self.tasks or _any(self.tasks, key) or _any(self.tasks, name)
        return named and (not self.tags or bool(self.tags & set(tags)))


def rules_of(settings: Settings) -> tuple[Rule, ...]:
    """Return the rules of a project's settings.

    Raises:
        ConfigurationError: One cannot be read; names file and line.
    """
    return tuple(
        parse_rule(name, table, settings.origin(f"notifications.{name}"))
        for name, table in settings.notifications.items()
    )


def parse_rule(name: str, table: Mapping[str, Any], where: str | None = None) -> Rule:
    """Read one table.

    Args:
        name: Its name.
        table: Its values as written.
        where: File and line, for the error.

    Raises:
        ConfigurationError: A key is unknown, or a value does not fit.
    """
    label = f"[notifications.{name}]"
    _check_keys(label, table, where)
    try:
        return Rule(
            name,
            _text(table, "url") or "",
            _format(table),
            _text(table, "signing_secret"),
            _states(table),
            _words(table, "flows"),
            _words(table, "tasks"),
            frozenset(_words(table, "tags")),
            _switch(table, "recovered"),
            _deadline(table),
            _factor(table),
            _zone(table),
        )
    except ValueError as error:
        raise ConfigurationError(f"{label}: {error}", where=where) from None
    except (ConfigurationError, FlowError) as error:
        raise ConfigurationError(f"{label}: {error.what}", where=where, fix=error.fix) from None


def _check_keys(label: str, table: Mapping[str, Any], where: str | None) -> None:
    for key in table:
        if key not in KEYS:
            fix = nearest(key, KEYS, "keys: ")
            raise ConfigurationError(f"{label} has no key {key!r}", where=where, fix=fix)
    if not table.get("url"):
        raise ConfigurationError(f"{label} has no url", where=where, fix='url = "secret:NAME"')


def _any(patterns: Iterable[str], word: str) -> bool:
    return any(fnmatchcase(word, pattern) for pattern in patterns)


def _text(table: Mapping[str, Any], key: str) -> str | None:
    value = table.get(key)
    if value is not None and (not isinstance(value, str) or not value.strip()):
        raise ValueError(f"{key} must be text, not {value!r}")
    return value.strip() if value else None


def _words(table: Mapping[str, Any], key: str) -> tuple[str, ...]:
    value = table.get(key, [])
    words = [value] if isinstance(value, str) else value
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise ValueError(f"{key} must be a list of texts, not {value!r}")
    return tuple(words)


def _switch(table: Mapping[str, Any], key: str) -> bool:
    value = table.get(key, False)
    if not isinstance(value, bool):
        raise ValueError(f"{key} must be true or false, not {value!r}")
    return value


def _format(table: Mapping[str, Any]) -> str | None:
    value = table.get("format")
    if value is not None and value not in FORMATS:
        raise ValueError(f"format must be one of {', '.join(FORMATS)}, not {value!r}")
    return value


def format_of(rule: Rule, url: str) -> str:
    """Return how a message to a URL is written: as the rule says, else as the URL tells.

    Args:
        rule: The rule.
        url: Its URL with secrets resolved.
    """
    if rule.format is not None:
        return rule.format
    parts = urlsplit(url)
    if parts.scheme.lower() not in ("http", "https"):
        return "apprise"
    return "slack" if parts.hostname in _SLACK else "json"


def _states(table: Mapping[str, Any]) -> frozenset[StateType]:
    if "only_states" not in table and "ignore_states" not in table:
        return BROKEN
    only = _words(table, "only_states") if "only_states" in table else None
    return wanted(only, _words(table, "ignore_states"))


def _deadline(table: Mapping[str, Any]) -> time | None:
    value = table.get("not_started_by")
    if value is None:
        return None
    flows = _words(table, "flows")
    if not flows or any(set("*?[") & set(flow) for flow in flows):
        raise ValueError("not_started_by needs the names of its flows, without wildcards")
    if isinstance(value, time):
        return value
    try:
        return time.fromisoformat(value)
    except (TypeError, ValueError):
        raise ValueError(f'not_started_by must be a time such as "06:30", not {value!r}') from None


def _factor(table: Mapping[str, Any]) -> float | None:
    value = table.get("longer_than_usual")
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not value > 1:
        raise ValueError(f"longer_than_usual must be a number above 1, not {value!r}")
    return float(value)


def _zone(table: Mapping[str, Any]) -> str:
    name = _text(table, "timezone") or "UTC"
    load_zone(name)
    return name
