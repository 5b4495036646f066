/** Who did what, the latest first. */

import { useInfiniteQuery } from "@tanstack/react-query";
import { useCallback } from "react";

import { ApiError, get } from "../../api/client";
import type { AuditEntry } from "../../api/types";
import { Empty } from "../../parts/Empty";
import { Problem } from "../../parts/Problem";
import { Table, type TableColumn } from "../../parts/Table";
import { Time } from "../../parts/Time";

const PAGE = 100;

const COLUMNS: TableColumn<AuditEntry>[] = [
  { id: "at", title: "When", width: "7.5rem", cell: (entry) => <Time at={entry.at} seconds /> },
  {
    id: "by",
    title: "Who",
    width: "minmax(5rem, 1fr)",
    cell: (entry) => <span title={entry.role ?? undefined}>{entry.by ?? "–"}</span>,
  },
  { id: "action", title: "Did", width: "minmax(6rem, 1fr)", cell: (entry) => entry.action },
  {
    id: "subject",
    title: "To",
    width: "minmax(6rem, 2fr)",
    cell: (entry) => <span title={entry.subject ?? undefined}>{entry.subject ?? "–"}</span>,
  },
  {
    id: "data",
    title: "With",
    width: "minmax(6rem, 3fr)",
    wide: true,
    cell: (entry) => {
      const text = wordsOf(entry.data);
      return <span title={text}>{text}</span>;
    },
  },
];

/** "reason: too slow, tasks: […]". */
function wordsOf(data: AuditEntry["data"]): string {
  const words = Object.entries(data ?? {}).map(
    ([name, value]) => `${name}: ${typeof value === "string" ? value : JSON.stringify(value)}`,
  );
  return words.join(", ") || "–";
}

export function Audit() {
  const found = useInfiniteQuery({
    queryKey: ["/audit"],
    queryFn: ({ pageParam, signal }) =>
      get<{ entries: AuditEntry[] }>("/audit", { limit: PAGE, before: pageParam }, signal),
    initialPageParam: null as number | null,
    getNextPageParam: ({ entries }) =>
      entries.length < PAGE ? null : (entries.at(-1)?.id ?? null),
  });
  const { hasNextPage, isFetching, fetchNextPage } = found;
  const onEnd = useCallback(() => {
    if (hasNextPage && !isFetching) void fetchNextPage();
  }, [hasNextPage, isFetching, fetchNextPage]);
  const entries = found.data?.pages.flatMap((page) => page.entries) ?? [];
  if (found.error && entries.length === 0) {
    return <Problem error={found.error as ApiError} onAgain={() => void found.refetch()} />;
  }
  if (found.isPending) return <p role="status">Looking…</p>;
  return (
    <Table
      label="Who did what"
      rows={entries}
      columns={COLUMNS}
      keyOf={(entry) => String(entry.id)}
      onEnd={onEnd}
      empty={
        <Empty title="Nobody has changed anything yet.">
          Runs started, cancelled and marked by hand, deployments, schedules and limits are kept
          here.
        </Empty>
      }
    />
  );
}
