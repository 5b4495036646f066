/** The filters of the list of runs, as they stand in the address. */

import type { Query } from "../../api/client";
import type { Run } from "../../api/types";
import { many, one, type Search } from "../../parts/url";

export interface Filters {
  flow: string;
  states: string[];
  /** Days of whoever looks, "2026-11-21"; both ends belong to it. */
  since: string;
  until: string;
}

export const STATES = ["Pending", "Running", "Paused", "Success", "Failed", "Cancelled"] as const;

export const filtersOf = (search: Search): Filters => ({
  flow: one(search.flow),
  states: many(search.state),
  since: one(search.since),
  until: one(search.until),
});

export const isFiltered = ({ flow, states, since, until }: Filters): boolean =>
  Boolean(flow || states.length || since || until);

/** What to ask the API for: whole days become instants. */
export function queryOf({ flow, states, since, until }: Filters): Query {
  return {
    flow,
    state: states,
    since: startOf(since)?.toISOString(),
    until: startOf(until, 1)?.toISOString(),
  };
}

/** Whether a run that has just changed belongs to what the list shows. */
export function matches(run: Run, { flow, states, since, until }: Filters): boolean {
  const created = Date.parse(run.created);
  const from = startOf(since)?.getTime() ?? -Infinity;
  const to = startOf(until, 1)?.getTime() ?? Infinity;
  return (
    (!flow || run.flow === flow) &&
    (!states.length || states.includes(run.state)) &&
    created >= from &&
    created < to
  );
}

/** The first instant of a day of ours, or of one some days later; null for what is no day. */
function startOf(day: string, later = 0): Date | null {
  const found = /^(\d{4})-(\d\d)-(\d\d)$/.exec(day);
  if (!found) return null;
  return new Date(Number(found[1]), Number(found[2]) - 1, Number(found[3]) + later);
}
