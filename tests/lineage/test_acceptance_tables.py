"""Tables: the acceptance suites of others, each by its own convention."""

from __future__ import annotations

import conventions
import pytest

#: Share of cases, in per cent, whose sources and targets must both be exactly right.
THRESHOLDS = {"sqllineage_table": 97.0, "openlineage": 95.0, "datahub": 95.0}


@pytest.mark.parametrize("suite", THRESHOLDS)
def test_sources_and_targets_are_exactly_right(suite: str) -> None:
    convention = conventions.TABLE_CONVENTIONS[suite]
    wrong, asked = [], 0
    for case in conventions.cases(suite):
        expected = (case["sources"], case["targets"])
        if expected == (None, None) or case.get("expect_parse_error"):
            continue
        asked += 1
        found = convention(case, conventions.analyze(case))
        if not all(
            want is None or {name.lower() for name in want} == got
            for want, got in zip(expected, (found.sources, found.targets), strict=True)
        ):
            wrong.append(f"{case['id']}: wanted {expected}, found {found}")

    score = 100 * (asked - len(wrong)) / asked
    print(f"{suite}: {asked - len(wrong)} of {asked}, {score:.1f} %")
    assert score >= THRESHOLDS[suite], "\n".join(wrong)


def test_what_other_readers_cannot_parse_is_reported() -> None:
    cases = [case for case in conventions.cases("datahub") if case.get("expect_parse_error")]
    invalid = next(case for case in cases if "invalid_sql" in case["id"])

    assert conventions.analyze(invalid).errors
