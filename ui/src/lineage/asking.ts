/** Asks for lineage: around the dataset or column that is followed, and where the reader went on. */

import { useQueries } from "@tanstack/react-query";
import { useMemo } from "react";

import { get, keyOf, type ApiError, type Query } from "../api/client";
import { merged, type Answer, type Drawn } from "./model";

export type Way = "up" | "down" | "both";

export interface Question {
  dataset: string;
  column: string | null;
  /** All columns of the dataset, in its own order. */
  columns: readonly string[];
  way: Way;
  depth: number;
  /** Where the reader went on: "up" or "down", a colon, the dataset. */
  further: readonly string[];
}

export const WAYS: readonly Way[] = ["up", "both", "down"];
export const DEEPEST = 10;

/** What `further` holds for one step on from a dataset. */
export const furtherOf = (way: "up" | "down", dataset: string): string => `${way}:${dataset}`;

/** So many columns are each asked for, where all of a dataset are drawn. */
export const ASKED = 40;

/**
 * The requests that a question needs.
 *
 * Of a dataset the server tells which datasets it is made of; which columns, it tells of each.
 */
export function requests(question: Question): Query[] {
  const { dataset, column, columns, way, depth, further } = question;
  const first = { dataset, column, direction: way, depth };
  const each = column === null ? columns.slice(0, ASKED) : [];
  return [
    first,
    ...each.map((name) => ({ ...first, column: name })),
    ...further.flatMap((each) => {
      const cut = each.indexOf(":");
      const direction = each.slice(0, cut);
      if (direction !== "up" && direction !== "down") return [];
      return [{ dataset: each.slice(cut + 1), direction, depth: 1 }];
    }),
  ];
}

export interface Answered {
  drawn: Drawn | null;
  /** Whether more is being asked for. */
  asking: boolean;
  error: ApiError | null;
  again: () => void;
}

/** The drawing of a question; what is there is shown while more is asked for. */
export function useLineage(question: Question): Answered {
  const results = useQueries({
    queries: requests(question).map((query) => ({
      queryKey: keyOf("/lineage", query),
      queryFn: ({ signal }: { signal: AbortSignal }) => get<Answer>("/lineage", query, signal),
      staleTime: 60_000,
      placeholderData: (before: Answer | undefined) => before,
    })),
  });
  const [first, ...more] = results.map((result) => result.data);
  const stamp = results.map((result) => result.dataUpdatedAt).join();
  const drawn = useMemo(
    () => {
      if (!first || results.some((result) => result.isPending)) return null;
      const answers = [
        first,
        ...narrowed(
          first,
          more.filter((each) => each !== undefined),
          question.column,
        ),
      ];
      return merged(answers, new Map([[question.dataset, question.columns]]));
    },
    // eslint-disable-next-line react-hooks/exhaustive-deps -- the stamp stands for the answers
    [stamp, question.dataset, question.column, question.columns],
  );
  return {
    drawn,
    asking: results.some((result) => result.isFetching),
    error: (results.find((result) => result.error)?.error ?? null) as ApiError | null,
    again: () => results.forEach((result) => void result.refetch()),
  };
}

/**
 * Further answers, cut to what belongs to a column that is followed.
 *
 * A further step is asked for a whole dataset; of its links only those count that meet a column
 * that is already drawn.
 */
export function narrowed(first: Answer, more: readonly Answer[], column: string | null): Answer[] {
  if (column === null) return [...more];
  const known = new Set<string>();
  const note = (dataset: string, name: string | null): void => {
    known.add(JSON.stringify([dataset, name]));
  };
  for (const { from, to } of first.edges) {
    note(from.dataset, from.column);
    note(to.dataset, to.column);
  }
  return more.map((answer) => {
    const edges = answer.edges.filter(
      ({ from, to }) =>
        known.has(JSON.stringify([from.dataset, from.column])) ||
        known.has(JSON.stringify([to.dataset, to.column])),
    );
    const named = new Set<string>();
    for (const { from, to } of edges) {
      for (const end of [from, to]) {
        note(end.dataset, end.column);
        named.add(JSON.stringify([end.dataset, end.column]));
      }
    }
    const datasets = answer.datasets.map((dataset) => ({
      ...dataset,
      columns: dataset.columns.filter((name) => named.has(JSON.stringify([dataset.name, name]))),
    }));
    const kept = new Set(edges.flatMap(({ from, to }) => [from.dataset, to.dataset]));
    return { ...answer, edges, datasets: datasets.filter(({ name }) => kept.has(name)) };
  });
}
