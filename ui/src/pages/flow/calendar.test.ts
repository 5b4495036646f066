import { describe, expect, it } from "vitest";

import {
  byDay,
  covers,
  dayIn,
  type Due,
  effectOf,
  explained,
  monthAfter,
  offsetOf,
  type Preview,
  utcOf,
  weeksOf,
} from "./calendar";

function due(instant: string, local: string, more: Partial<Due> = {}): Due {
  return {
    instant,
    local,
    nominal: local.slice(0, 19),
    timezone: "America/New_York",
    repeat: 0,
    note: null,
    ...more,
  };
}

const FALL = due("2026-11-01T05:30:00+00:00", "2026-11-01T01:30:00-04:00", {
  note: "01:30 comes twice on this night; runs the first time",
});
const SPRING = due("2027-03-14T07:00:00+00:00", "2027-03-14T03:00:00-04:00", {
  nominal: "2027-03-14T02:30:00",
  note: "02:30 does not exist on this night; runs at 03:00",
});
const BACK = {
  timezone: "America/New_York",
  instant: "2026-11-01T06:00:00+00:00",
  offset_before: -14400,
  offset_after: -18000,
  local_before: "2026-11-01T02:00:00",
  local_after: "2026-11-01T01:00:00",
  lost: [],
  note: "Sun 2026-11-01 02:00 → 01:00, clocks go back in America/New_York",
};
const FORWARD = {
  ...BACK,
  offset_before: -18000,
  offset_after: -14400,
  local_before: "2027-03-14T02:00:00",
};

function preview(occurrences: Due[]): Preview {
  return {
    flow: null,
    schedule: "cron",
    timezones: ["America/New_York"],
    timezone_data: "2026f",
    warnings: [],
    occurrences,
    transitions: [BACK],
    coming_transitions: [BACK],
  };
}

describe("weeksOf", () => {
  it("goes from Monday to Sunday", () => {
    const weeks = weeksOf("2026-11");
    expect(weeks[0]).toEqual([
      "2026-10-26",
      "2026-10-27",
      "2026-10-28",
      "2026-10-29",
      "2026-10-30",
      "2026-10-31",
      "2026-11-01",
    ]);
    expect(weeks).toHaveLength(6);
    expect(weeks.at(-1)?.[0]).toBe("2026-11-30");
  });

  it("has four weeks in a February that begins on Monday", () => {
    expect(weeksOf("2027-02")).toHaveLength(4);
  });
});

describe("byDay", () => {
  it("puts occurrences on days of the zone, and each change once", () => {
    const late = due("2026-11-02T04:30:00+00:00", "2026-11-01T23:30:00-05:00");
    const days = byDay(preview([FALL, late]));
    expect(days.get("2026-11-01")?.due).toEqual([FALL, late]);
    expect(days.get("2026-11-01")?.changes).toHaveLength(1);
    expect(utcOf(late)).toBe("04:30 UTC +1 d");
    expect(utcOf(FALL)).toBe("05:30 UTC");
  });
});

describe("effects of changing clocks", () => {
  it("tells what was shifted from what is repeated", () => {
    expect([
      effectOf(FALL),
      effectOf(SPRING),
      effectOf(due("2026-10-30T05:30:00+00:00", "2026-10-30T01:30:00-04:00")),
    ]).toEqual(["repeated", "shifted", null]);
  });

  it("explains them", () => {
    expect(explained(BACK, [FALL])).toBe(
      "Clocks go back: an hour of this day comes twice. 01:30 comes twice on this night; runs the first time.",
    );
    expect(explained({ ...FORWARD, lost: ["2027-03-14T02:30:00"] }, [])).toBe(
      "Clocks go forward: an hour of this day does not exist. 02:30 is skipped: that time does not exist.",
    );
    expect(explained({ ...FORWARD, offset_after: -16200 }, [])).toMatch(
      /30 minutes .* not touched/,
    );
  });
});

it("goes from month to month", () => {
  expect([monthAfter("2026-12", 1), monthAfter("2026-01", -1)]).toEqual(["2027-01", "2025-12"]);
  expect(dayIn("Pacific/Kiritimati", new Date("2026-11-01T11:00:00Z"))).toBe("2026-11-02");
});

it("knows whether a preview tells all of a month", () => {
  const some = preview([due("2026-10-31T05:30:00+00:00", "2026-10-31T01:30:00-04:00"), FALL]);
  expect(covers(some, "2026-11", 2)).toBe(false);
  expect(covers(some, "2026-11", 3)).toBe(true);
});

it("writes offsets", () => {
  expect([
    offsetOf(FALL.local),
    offsetOf("2026-01-01T00:00:00+00:00"),
    offsetOf("2026-01-01T00:00:00+05:30"),
  ]).toEqual(["UTC−04:00", "UTC", "UTC+05:30"]);
});
