import { expect, test } from "vitest";

import { verdictOf } from "./verdict";

const night = (ok: number, failed: number, running = 0, late = 0) =>
  verdictOf({ since: "2026-11-20T17:00:00Z", ok, failed, running, late });

test("a failure comes first, with what else is wrong", () => {
  expect(night(12, 2, 0, 1).text).toBe("Last night 2 of 14 runs failed, 1 is late.");
  expect(night(0, 1).text).toBe("Last night the only run failed.");
  expect(night(0, 3, 2, 0).text).toBe("Last night all 3 runs failed, 2 still run.");
  expect(night(1, 1, 1, 2)).toEqual({
    tone: "failed",
    text: "Last night 1 of 2 runs failed, 2 are late and 1 still runs.",
  });
});

test("what is late comes before what succeeded", () => {
  expect(night(3, 0, 0, 1).text).toBe(
    "1 run should have begun and has not; the 3 that ended succeeded.",
  );
  expect(night(0, 0, 0, 2).text).toBe("2 runs should have begun and have not.");
});

test("a good night is said in few words", () => {
  expect(night(1, 0).text).toBe("The one run of last night succeeded.");
  expect(night(2, 0).text).toBe("Both runs of last night succeeded.");
  expect(night(14, 0, 1)).toEqual({
    tone: "good",
    text: "All 14 runs of last night succeeded, and 1 run still going.",
  });
});

test("nothing ended", () => {
  expect(night(0, 0, 2)).toEqual({ tone: "running", text: "2 runs are under way." });
  expect(night(0, 0).tone).toBe("nothing");
});
