"""Columns: the acceptance suites of others, each by its own convention."""

from __future__ import annotations

import conventions
import pytest

#: Share of cases, in per cent, whose column edges must be exactly right.
THRESHOLDS = {"sqllineage_column": 90.0, "openlineage": 95.0, "datahub": 85.0}


@pytest.mark.parametrize("suite", THRESHOLDS)
def test_column_edges_are_exactly_right(suite: str) -> None:
    convention = conventions.COLUMN_CONVENTIONS[suite]
    wrong, asked = [], 0
    for case in conventions.cases(suite):
        if case.get("column_lineage") is None or case.get("expect_parse_error"):
            continue
        asked += 1
        wanted = conventions.expected_columns(case)
        found = convention(case, conventions.analyze(case))
        if found != wanted:
            wrong.append(f"{case['id']}: missing {wanted - found}, too many {found - wanted}")

    score = 100 * (asked - len(wrong)) / asked
    print(f"{suite}: {asked - len(wrong)} of {asked}, {score:.1f} %")
    assert score >= THRESHOLDS[suite], "\n".join(wrong)
