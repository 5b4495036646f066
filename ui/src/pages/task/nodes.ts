/** What is counted of the dbt nodes that a task reported. */

import type { ReportedNode } from "../../api/types";

/** How long a node took; null of one that never ran. */
export function secondsOf({ started, finished }: ReportedNode): number | null {
  if (!started || !finished) return null;
  return (Date.parse(finished) - Date.parse(started)) / 1000;
}
