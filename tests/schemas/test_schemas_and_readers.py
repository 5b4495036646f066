"""A schema and what reads the file agree, on values of every kind, as far as a schema can say it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any

import jsonschema
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from orchestrator.errors import OrchestratorError
from orchestrator.model.planning import RunOptions
from orchestrator.presets import PRESET_KEYS
from orchestrator.schemas import schema
from orchestrator.service.notify.rules import parse_rule
from orchestrator.service.policy.reading import parse_policy
from orchestrator.settings import KEYS, load_settings
from tasks.sql.front_matter import KEYS as FRONT_MATTER
from tasks.sql.front_matter import read_front_matter
from tasks.warehouses import make
from tests.schemas.values import document, made_for

SETTINGS, POLICY, LINES = schema("settings"), schema("policy"), schema("front-matter")
PROPERTIES = SETTINGS["properties"]
NOTIFICATION = PROPERTIES["notifications"]["additionalProperties"]
TYPES = {
    shape["title"]: shape for shape in PROPERTIES["warehouses"]["additionalProperties"]["oneOf"]
}
often = settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck))


#: By the shape's identity; to make one takes longer than to ask it.
_validators: dict[int, jsonschema.Draft7Validator] = {}


def fits(shape: dict[str, Any], value: object) -> bool:
    made = _validators.setdefault(id(shape), jsonschema.Draft7Validator(shape))
    return bool(made.is_valid(value))


def texts_in(value: object) -> Iterator[object]:
    """All values, however deep."""
    yield value
    inside = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for each in inside:
        yield from texts_in(each)


def read(text: str) -> str | None:
    """What is wrong with a project's settings; None if nothing is."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "orchestrator.toml").write_text(text, encoding="utf-8")
        try:
            load_settings(Path(folder), environ={})
        except OrchestratorError as error:
            return str(error)
    return None


def refusal(kind: str, table: dict[str, Any]) -> str:
    """What is wrong with the table of a warehouse."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            make("main", {"type": kind, **table}, root=Path(folder), options=RunOptions())
        except OrchestratorError as error:
            return str(error)
    return ""


# -- the same keys ---------------------------------------------------------------------------------


def test_settings_have_the_same_keys() -> None:
    assert PROPERTIES.keys() == KEYS.keys()
    assert SETTINGS["additionalProperties"] is False
    preset = PROPERTIES["clusters"]["additionalProperties"]
    assert preset["properties"].keys() == PRESET_KEYS.keys()


def test_front_matter_has_the_same_keys() -> None:
    assert LINES["properties"].keys() == FRONT_MATTER.keys()


@pytest.mark.parametrize("kind", TYPES)
def test_warehouses_know_their_keys(kind: str) -> None:
    for key in TYPES[kind]["properties"].keys() - {"type"}:
        assert "unknown" not in refusal(kind, {key: 0})
    assert "unknown key" in refusal(kind, {"no_key": 0})


# -- the same values -------------------------------------------------------------------------------


@pytest.mark.parametrize("key", sorted(KEYS.keys() - {"warehouses", "notifications"}))
@often
@given(data=st.data())
def test_settings_agree(key: str, data: st.DataObject) -> None:
    value = data.draw(made_for(PROPERTIES[key]))
    if key == "warehouse":
        return  # it must be one of the tables, which a schema cannot say
    error = read(document({key: value}))
    if fits(PROPERTIES[key], value):
        assert error is None or _between_keys(error)
    elif error is None:
        # Numbers and switches are read from text, too, as the environment has them; off is false.
        assert PROPERTIES[key].get("type") != "string" or "enum" in PROPERTIES[key]
        assert any(isinstance(each, str) or each is False for each in texts_in(value)), value


def _between_keys(error: str) -> bool:
    """Whether an error is about two keys together, which the schema leaves to the reader."""
    return any(words in error for words in ("one of the two", "has an address", "maximum is to be"))


@pytest.mark.parametrize("key", NOTIFICATION["properties"])
@often
@given(data=st.data())
def test_notifications_agree(key: str, data: st.DataObject) -> None:
    value = data.draw(made_for(NOTIFICATION["properties"][key]))
    table = {"url": "https://shop.example", "flows": ["nightly"], key: value}
    try:
        parse_rule("team", table)
    except OrchestratorError as error:
        # Names of states and zones, and times, are more than a schema can say.
        told = str(error)
        beyond = ("state", "zone", "not_started_by")
        assert not fits(NOTIFICATION, table) or any(word in told for word in beyond), told
    else:
        assert fits(NOTIFICATION, table), table


@pytest.mark.parametrize("kind", sorted(TYPES.keys() - {"dbt"}))
@often
@given(data=st.data())
def test_warehouses_agree(kind: str, data: st.DataObject) -> None:
    table = data.draw(made_for(TYPES[kind]))
    if not isinstance(table, dict):
        return
    table = {key: value for key, value in table.items() if key not in ("type", "project_dir")}
    told = refusal(kind, table)
    if fits(TYPES[kind], {"type": kind, **table}):
        beyond = ("names no database", "schema", "is no path", "format")
        assert not told or any(words in told for words in beyond), told
    else:
        assert told, table


@pytest.mark.parametrize("key", [*FRONT_MATTER, "no_key"])
def test_front_matter_agrees(key: str) -> None:
    words = ["on", "table", "error", "no_rows", "rows", "rows>=2", "rows=", "7", "0.5", "-1", "1e3"]
    for value in [*words, *_texts(key)]:
        try:
            read_front_matter(f"-- orchestrator: {key}={value}", "a.sql")
        except OrchestratorError:
            assert not fits(LINES, {key: value}), value
        else:
            assert fits(LINES, {key: value}), value


def _texts(key: str) -> list[str]:
    """Texts drawn at random, the same each time."""
    drawn = Random(key)
    return ["".join(drawn.choices("ab9 ._-=<>é", k=drawn.randint(0, 5))).strip() for _ in range(40)]


@pytest.mark.parametrize("table", sorted(POLICY["properties"]))
@often
@given(data=st.data())
def test_policies_agree(table: str, data: st.DataObject) -> None:
    shape = POLICY["properties"][table]
    value = data.draw(made_for(shape))
    try:
        parse_policy(document({table: value}))
    except OrchestratorError as error:
        told = str(error)
        beyond = ("there is no rule", "expected a day")
        assert not fits(shape, value) or any(words in told for words in beyond), told
    else:
        # Spaces, capitals and ISO's P and T may stand in more places than the pattern says.
        assert fits(shape, value) or "max_runtime" in str(value), value
