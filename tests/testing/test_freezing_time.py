"""The clock stands where a test puts it, and local times are read as clocks on the wall show them."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from orchestrator import instants
from orchestrator.errors import UsageError
from orchestrator.testing import freeze_time
from orchestrator.testing.clock import instant_of

BERLIN = "Europe/Berlin"


@pytest.mark.parametrize(
    ("given", "zone", "utc"),
    [
        ("2026-03-29 01:59", BERLIN, "2026-03-29T00:59:00+00:00"),
        ("2026-03-29 03:00", BERLIN, "2026-03-29T01:00:00+00:00"),
        ("2026-10-25 02:30", BERLIN, "2026-10-25T00:30:00+00:00"),  # comes twice: the first
        ("2026-10-25 02:30+01:00", BERLIN, "2026-10-25T01:30:00+00:00"),  # the second, said so
        ("2026-03-29 02:30", "UTC", "2026-03-29T02:30:00+00:00"),
        (date(2026, 3, 1), "America/New_York", "2026-03-01T05:00:00+00:00"),
        (datetime(2026, 3, 1, 6, tzinfo=timezone(timedelta(hours=2))), BERLIN, "2026-03-01T04:00:00+00:00"),
    ],
)  # fmt: skip
def test_instants_as_people_write_them(given: object, zone: str, utc: str) -> None:
    assert instant_of(given, zone).isoformat() == utc  # type: ignore[arg-type]


def test_a_time_that_does_not_exist_is_refused() -> None:
    with pytest.raises(UsageError, match="2026-03-29 02:30 does not exist in Europe/Berlin") as why:
        instant_of("2026-03-29 02:30", BERLIN)
    assert "the first time after it is 03:00" in str(why.value.fix)


@pytest.mark.parametrize("given", ["noon", "", None])
def test_what_is_no_time_is_refused(given: str) -> None:
    with pytest.raises(UsageError, match="is no point in time"):
        instant_of(given)


def test_the_clock_stands_and_goes_on() -> None:
    with freeze_time("2026-03-01 06:00") as at:
        assert instants.now() == instants.now() == at == datetime(2026, 3, 1, 6, tzinfo=UTC)
        with freeze_time("2026-03-02"):
            assert instants.now().day == 2
        assert instants.now() == at
    assert instants.now() > datetime(2026, 3, 3, tzinfo=UTC)
