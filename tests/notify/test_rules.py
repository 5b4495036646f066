"""Rules say what they cover, and what is wrong with them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from orchestrator.errors import ConfigurationError
from orchestrator.model.state import FINISHED, StateType
from orchestrator.service.notify.rules import format_of, parse_rule, rules_of
from orchestrator.service.notify.states import covered, wanted
from orchestrator.settings import load_settings

URL = {"url": "https://example.org/hook"}
S = StateType


@pytest.mark.parametrize(
    ("table", "flow", "state", "told"),
    [
        ({}, "nightly", S.FAILED, True),  # failures, if nothing is said
        ({}, "nightly", S.TIMED_OUT, True),
        ({}, "nightly", S.SUCCESS, False),
        ({"only_states": ["Success"]}, "nightly", S.SUCCESS, True),
        ({"only_states": ["Success"]}, "nightly", S.FAILED, False),
        ({"only_states": []}, "nightly", S.FAILED, False),
        ({"ignore_states": ["Failed"]}, "nightly", S.RUNNING, True),
        ({"ignore_states": ["Failed"]}, "nightly", S.TIMED_OUT, False),  # a kind of Failed
        ({"flows": ["night*"]}, "nightly", S.FAILED, True),
        ({"flows": "night*"}, "hourly", S.FAILED, False),
        ({"tasks": ["load*"]}, "nightly", S.FAILED, False),  # on tasks, not on runs
    ],
)
def test_runs_that_a_rule_is_on(
    table: dict[str, Any], flow: str, state: StateType, told: bool
) -> None:
    assert parse_rule("team", URL | table).on_run(flow, state) is told


@pytest.mark.parametrize(
    ("table", "tags", "state", "told"),
    [
        ({}, (), S.FAILED, False),  # on runs
        ({"tasks": ["load*"]}, (), S.FAILED, True),
        ({"tasks": ["load_orders"]}, (), S.RETRYING, False),
        ({"tasks": ["load*"], "only_states": ["Retrying"]}, (), S.RETRYING, True),
        ({"tags": ["finance"]}, ("finance", "daily"), S.FAILED, True),
        ({"tags": ["finance"]}, ("daily",), S.FAILED, False),
        ({"tasks": ["sum*"], "tags": ["finance"]}, ("finance",), S.FAILED, False),
        ({"tasks": ["load*"], "flows": ["hourly"]}, (), S.FAILED, False),
    ],
)
def test_tasks_that_a_rule_is_on(
    table: dict[str, Any], tags: tuple[str, ...], state: StateType, told: bool
) -> None:
    rule = parse_rule("team", URL | table)
    assert rule.on_task("nightly", "load[3]", "load_orders", tags, state) is told


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ({}, "has no url"),
        (URL | {"only_state": ["Failed"]}, "did you mean 'only_states'"),
        (URL | {"only_states": ["Faild"]}, "did you mean 'Failed'"),
        (URL | {"only_states": 3}, "list of texts"),
        (URL | {"format": "xml"}, "format must be one of"),
        (URL | {"recovered": "yes"}, "true or false"),
        (URL | {"not_started_by": "06:30"}, "names of its flows"),
        (URL | {"not_started_by": "06:30", "flows": ["n*"]}, "without wildcards"),
        (URL | {"not_started_by": "half past six", "flows": ["n"]}, "a time such as"),
        (URL | {"longer_than_usual": 1}, "above 1"),
        (URL | {"timezone": "Europe/Berln"}, "Europe/Berlin"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(
    tmp_path: Path, table: dict[str, Any], said: str
) -> None:
    with pytest.raises(ConfigurationError) as caught:
        parse_rule("team", table, "orchestrator.toml:7")
    assert said in str(caught.value)
    assert "[notifications.team]" in str(caught.value)
    assert "orchestrator.toml:7" in str(caught.value)


def test_rules_come_from_the_settings(tmp_path: Path) -> None:
    (tmp_path / "orchestrator.toml").write_text(
        '[notifications.team]\nurl = "secret:SLACK"\nnot_started_by = 06:30:00\nflows = ["n"]\n'
        '[notifications.broken]\nurl = ""\n'
    )
    with pytest.raises(ConfigurationError, match=r"notifications.broken\] has no url") as caught:
        rules_of(load_settings(tmp_path, environ={}))
    assert caught.value.where == "orchestrator.toml:5"
    (tmp_path / "orchestrator.toml").write_text("notifications = 3")
    with pytest.raises(ConfigurationError, match=r"tables \[notifications.NAME\]"):
        load_settings(tmp_path, environ={})


def test_the_url_tells_how_a_message_is_written() -> None:
    for url, form in (
        ("https://hooks.slack.com/services/a", "slack"), ("https://example.org/", "json"),
        ("http://hooks.slack.com.evil.example/", "json"), ("pagerduty://a@b", "apprise"),
    ):  # fmt: skip
        assert format_of(parse_rule("team", {"url": url}), url) == form
    assert format_of(parse_rule("team", URL | {"format": "slack"}), URL["url"]) == "slack"


def test_words_for_states_are_those_of_prefect_1() -> None:
    class Failed:
        pass

    assert covered([Failed]) == covered(["Failed"]) == {S.FAILED, S.TIMED_OUT}
    assert covered([S.FAILED]) == {S.FAILED, S.TIMED_OUT}
    assert covered(["Finished"]) == FINISHED
    assert wanted(None, None) == set(S)
    assert wanted(["Finished"], ["Success", "Skipped"]) == {S.FAILED, S.TIMED_OUT, S.CANCELLED}
