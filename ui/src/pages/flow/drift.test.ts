import { expect, test } from "vitest";
import type { Drift, FlowDrift } from "../../api/types";
import { drifting } from "./drift";

test("a flow that was never deployed does not differ from what is in service", () => {
  const flows = (["same", "differs", "not deployed", "gone", "unreadable"] as const).map(
    (standing) => ({ flow: standing, standing }) as FlowDrift,
  );
  expect([...drifting({ flows } as Drift)]).toEqual(["differs", "gone", "unreadable"]);
  expect(drifting(undefined).size).toBe(0);
});
