"""The facts about odd nights that were gathered from other schedulers' tests and from an oracle."""

from __future__ import annotations

import json
import re
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import Any

from orchestrator.schedule import Clock, CronClock, IntervalClock, clock_from_dict
from tests.missing import is_missing

FACTS = Path(__file__).resolve().parents[2].parent / "shared/acceptance/schedules/cases.jsonl"


def cases() -> list[dict[str, Any]]:
    if not FACTS.exists():
        is_missing("the facts about schedules are not beside the repository")
    return [json.loads(line) for line in FACTS.read_text(encoding="utf-8").splitlines()]


def clock_of(case: dict[str, Any]) -> Clock:
    knobs: dict[str, Any] = dict(re.findall(r"(gap|overlap)=(\w+)", case["policy"]))
    if case["kind"] == "cron":
        return CronClock(case["spec"], timezone=case["zone"], **knobs)
    anchor = datetime.fromisoformat(case["anchor"])
    return IntervalClock(case["spec"], timezone=case["zone"], start_date=anchor, **knobs)


def test_every_fact_holds_before_and_after_a_round_trip() -> None:
    wrong = []
    for case in cases():
        clock, start = clock_of(case), datetime.fromisoformat(case["start"])
        again = clock_from_dict(json.loads(json.dumps(clock.to_dict())))
        for one in (clock, again):
            due = islice(one.occurrences(start), case["n"])
            found = [occurrence.local.isoformat() for occurrence in due]
            if found != case["expected"]:
                wrong.append(f"{case['id']}: wanted {case['expected']}, found {found}")
    assert not wrong, f"{len(wrong)} wrong:\n" + "\n".join(wrong[:20])
