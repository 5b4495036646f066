/** Which flows are not in service as the project's folder has them. */

import type { Drift, FlowDrift } from "../../api/types";

/** A flow that nobody deployed does not differ from anything. */
export const drifts = ({ standing }: FlowDrift): boolean =>
  standing !== "same" && standing !== "not deployed";

export function drifting(found: Drift | undefined): ReadonlySet<string> {
  return new Set((found?.flows ?? []).filter(drifts).map((each) => each.flow));
}
