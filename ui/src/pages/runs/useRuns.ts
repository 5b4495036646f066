/** The list of runs: pages by cursor, live changes by the stream. */

import { useInfiniteQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback, useMemo } from "react";

import { ApiError, get } from "../../api/client";
import { useStream, type StreamState } from "../../api/stream";
import type { Run, RunList } from "../../api/types";
import { matches, queryOf, type Filters } from "./filters";
import { runsOf, withRun, type Pages } from "./pages";

const PAGE = 100;

export interface RunsFound {
  runs: Run[];
  error: ApiError | null;
  loading: boolean;
  /** Whether older runs are to be had. */
  more: boolean;
  onEnd: () => void;
  again: () => void;
  live: StreamState;
}

export function useRuns(filters: Filters): RunsFound {
  const client = useQueryClient();
  const query = queryOf(filters);
  const key = ["/runs", query];
  const found = useInfiniteQuery<RunList, ApiError, Pages, unknown[], string | null>({
    queryKey: key,
    queryFn: ({ pageParam, signal }) =>
      get<RunList>("/runs", { ...query, limit: PAGE, before: pageParam }, signal),
    initialPageParam: null,
    getNextPageParam: (last) => last.next,
    staleTime: 60_000,
  });
  const { state: live } = useStream("/stream", {
    run: (run) =>
      client.setQueryData<Pages>(
        key,
        (pages) => pages && withRun(pages, run, matches(run, filters)),
      ),
    open: (again) => again && void client.invalidateQueries({ queryKey: ["/runs"] }),
  });
  const { hasNextPage, isFetching, fetchNextPage, refetch } = found;
  const onEnd = useCallback(() => {
    if (hasNextPage && !isFetching) void fetchNextPage();
  }, [hasNextPage, isFetching, fetchNextPage]);
  const again = useCallback(() => void refetch(), [refetch]);
  const runs = useMemo(() => runsOf(found.data), [found.data]);
  return {
    runs,
    error: found.error,
    loading: found.isFetching,
    more: hasNextPage,
    onEnd,
    again,
    live,
  };
}
