"""Exceptions let a rule pass for a while, and say so; when they have ended the rule holds again."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from orchestrator import instants
from tests.policy.shops import looked_at, only, told

POLICY = """
    [statements]
    forbidden = ["drop", "grant"]

    [limits]
    max_runtime = "1m"

    [[exceptions]]
    rule = "{rule}"
    for = ["{subject}"]
    reason = "moves in spring"
"""
FILES = {"sql/old/a.sql": "drop table core.orders", "sql/b.sql": "drop table core.b"}


@pytest.fixture
def today(monkeypatch: pytest.MonkeyPatch) -> None:
    noon = datetime(2026, 6, 30, 12, tzinfo=UTC)
    monkeypatch.setattr(instants, "now", lambda: noon)


@pytest.mark.parametrize(
    ("rule", "subject"),
    [
        ("statements.forbidden", "sql/old/**"),
        ("statements", "sql/old/a.sql"),
        ("statements.forbidden", "core.orders"),
        ("statements.forbidden", "lake.core.ord*"),
        ("statements.forbidden", "a"),
    ],
)
def test_what_an_exception_may_name(tmp_path: Path, rule: str, subject: str) -> None:
    policy = POLICY.format(rule=rule, subject=subject)
    report = looked_at(tmp_path, policy, FILES)
    assert ("statements.forbidden", "sql/b.sql:1") in told(report)
    [excused] = report.excused
    assert excused.breach.where == "sql/old/a.sql:1"
    assert (excused.reason, excused.set_at) == ("moves in spring", "policy.toml:7")
    assert not report.notes


def test_an_exception_for_a_flow(tmp_path: Path) -> None:
    report = looked_at(tmp_path, POLICY.format(rule="limits", subject="nightly"), FILES)
    assert [one.breach.rule for one in report.excused] == ["limits.max_runtime"]
    assert len(report.breaches) == 2


@pytest.mark.parametrize(
    ("rule", "subject"),
    [
        ("statements.forbidden", "sql/new/**"),
        ("limits", "sql/old/**"),
        ("statements.unreadable", "a"),
    ],
)
def test_one_that_does_not_fit_is_told(tmp_path: Path, rule: str, subject: str) -> None:
    report = looked_at(tmp_path, POLICY.format(rule=rule, subject=subject), FILES)
    assert not report.excused
    assert len(report.breaches) == 3
    assert report.notes == (f"nothing needs the exception at policy.toml:7 ({rule})",)


@pytest.mark.parametrize(
    ("until", "holds"), [("2026-07-01", True), ("2026-06-30", True), ("2026-06-29", False)]
)
def test_until(tmp_path: Path, today: None, until: str, holds: bool) -> None:
    policy = POLICY.format(rule="statements", subject="sql/old/**").replace(
        'max_runtime = "1m"', ""
    )
    files = {"sql/old/a.sql": FILES["sql/old/a.sql"]}
    report = looked_at(tmp_path, policy + f"    until = {until}\n", files)
    if holds:
        assert not report.breaches
        assert len(report.excused) == 1
        return
    breach = only(report)
    assert breach.refuses
    assert breach.remark == (
        f"the exception at policy.toml:7 ended on {until}; its reason was: moves in spring"
    )
    assert "ended on 2026-06-29" in str(breach)
