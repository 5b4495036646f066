/** The pages of runs that are here, kept true while runs change. */

import type { InfiniteData } from "@tanstack/react-query";

import type { Run, RunList } from "../../api/types";

export type Pages = InfiniteData<RunList, string | null>;

/** All runs that are here, each once, the newest first. */
export function runsOf(pages: Pages | undefined): Run[] {
  const seen = new Map<string, Run>();
  for (const page of pages?.pages ?? []) {
    for (const run of page.runs) if (!seen.has(run.run_id)) seen.set(run.run_id, run);
  }
  return [...seen.values()];
}

/**
 * Put a run that changed where it stands, at the top if it is new and belongs here, or take it out.
 *
 * A run older than all that are here is left for its page to bring.
 */
export function withRun(pages: Pages, run: Run, belongs: boolean): Pages {
  const here = pages.pages.some((page) => page.runs.some((each) => each.run_id === run.run_id));
  if (here) {
    const change = (runs: Run[]): Run[] =>
      runs.flatMap((each) => (each.run_id !== run.run_id ? [each] : belongs ? [run] : []));
    return { ...pages, pages: pages.pages.map((page) => ({ ...page, runs: change(page.runs) })) };
  }
  const [first, ...rest] = pages.pages;
  if (!belongs || !first) return pages;
  const place = first.runs.findIndex((each) => each.created <= run.created);
  if (place < 0 && first.next !== null) return pages;
  const at = place < 0 ? first.runs.length : place;
  const runs = [...first.runs.slice(0, at), run, ...first.runs.slice(at)];
  return { ...pages, pages: [{ ...first, runs }, ...rest] };
}
