/** A table of any length: only the rows in sight are drawn. Columns sort, rows lead somewhere. */

import {
  createSortedRowModel,
  rowSortingFeature,
  tableFeatures,
  useTable,
  type ColumnDef,
  type SortingState,
} from "@tanstack/react-table";
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useMemo, useRef, useState, type ReactNode } from "react";

import { Icon } from "./icons";
import { Link } from "./Link";
import { useNarrow } from "./narrow";
import styles from "./Table.module.css";

export interface TableColumn<R> {
  id: string;
  title: string;
  cell: (row: R) => ReactNode;
  /** What to sort by; without it the column does not sort. Nulls come last. */
  sort?: (row: R) => string | number | null | undefined;
  /** A track of a CSS grid: "8rem", "minmax(10rem, 2fr)". */
  width?: string;
  align?: "end";
  /** Left out on narrow screens. */
  wide?: boolean;
}

interface Props<R> {
  /** What the table is called for screen readers. */
  label: string;
  rows: readonly R[];
  columns: readonly TableColumn<R>[];
  keyOf: (row: R) => string;
  /** Where a row leads; its first cell becomes the link. */
  linkOf?: (row: R) => string;
  /** Or what choosing a row does; its first cell becomes a button. */
  onChoose?: (row: R) => void;
  /** The key of the chosen row; it is scrolled into sight. */
  chosen?: string | null;
  /** "name" or "-name" (falling). */
  sorted?: string;
  onSort?: (sorted: string) => void;
  /** The greatest height; "fill" takes what the page has left. */
  height?: string;
  rowHeight?: number;
  /** Called when the last rows come into sight. */
  onEnd?: () => void;
  /** Rows there are in all, when not all are here yet. */
  total?: number;
  /** Shown in place of rows when there are none. */
  empty?: ReactNode;
  /** A line below the rows. */
  foot?: ReactNode;
}

const features = tableFeatures({ rowSortingFeature, sortedRowModel: createSortedRowModel() });

export function Table<R>(props: Props<R>) {
  const { label, rows, keyOf, rowHeight = 40, chosen, height = "min(70vh, 48rem)", onEnd } = props;
  const narrow = useNarrow();
  const shown = props.columns.filter((column) => !(narrow && column.wide));
  const [own, setOwn] = useState(props.sorted ?? "");
  const sorted = props.onSort ? (props.sorted ?? "") : own;
  const ordered = useOrdered(rows, props.columns, sorted);

  const box = useRef<HTMLDivElement>(null);
  // eslint-disable-next-line react-hooks/incompatible-library -- it is told of each change
  const virtual = useVirtualizer({
    count: ordered.length,
    getScrollElement: () => box.current,
    estimateSize: () => rowHeight,
    getItemKey: (index) => keyOf(ordered[index] as R),
    overscan: 12,
  });
  const items = virtual.getVirtualItems();

  const last = items.at(-1)?.index ?? -1;
  const atEnd = ordered.length > 0 && last >= ordered.length - 10;
  useEffect(() => {
    if (atEnd) onEnd?.();
  }, [atEnd, onEnd, ordered.length]);

  useEffect(() => {
    if (!chosen) return;
    const index = ordered.findIndex((row) => keyOf(row) === chosen);
    if (index >= 0) virtual.scrollToIndex(index, { align: "auto" });
    // eslint-disable-next-line react-hooks/exhaustive-deps -- only a new choice scrolls
  }, [chosen]);

  const tracks = shown.map((column) => column.width ?? "minmax(0, 1fr)").join(" ");
  const count = Math.max(props.total ?? 0, rows.length) + 1;
  return (
    <div className={styles.frame} data-fill={height === "fill" || undefined}>
      <div
        ref={box}
        className={styles.box}
        style={height === "fill" ? undefined : { maxHeight: height }}
        role="region"
        aria-label={label}
        tabIndex={0}
      >
        <div role="table" aria-label={label} aria-rowcount={count} aria-colcount={shown.length}>
          <div role="rowgroup" className={styles.head}>
            <div role="row" aria-rowindex={1} style={{ gridTemplateColumns: tracks }}>
              {shown.map((column) => (
                <Heading
                  key={column.id}
                  column={column}
                  sorted={sorted}
                  onSort={props.onSort ?? setOwn}
                />
              ))}
            </div>
          </div>
          <div role="rowgroup" className={styles.rows} style={{ height: virtual.getTotalSize() }}>
            {items.map((item) => {
              const row = ordered[item.index] as R;
              return (
                <div
                  key={item.key}
                  role="row"
                  aria-rowindex={item.index + 2}
                  className={styles.row}
                  data-chosen={chosen === item.key || undefined}
                  data-leads={props.linkOf || props.onChoose ? true : undefined}
                  style={{
                    gridTemplateColumns: tracks,
                    height: rowHeight,
                    transform: `translateY(${item.start}px)`,
                  }}
                >
                  {shown.map((column, index) => (
                    <div key={column.id} role="cell" data-align={column.align}>
                      {index === 0 ? (
                        <First {...props} row={row} column={column} />
                      ) : (
                        column.cell(row)
                      )}
                    </div>
                  ))}
                </div>
              );
            })}
          </div>
        </div>
        {rows.length === 0 && <div className={styles.empty}>{props.empty ?? "Nothing here."}</div>}
        {props.foot && <div className={styles.foot}>{props.foot}</div>}
      </div>
    </div>
  );
}

function First<R>({
  row,
  column,
  linkOf,
  onChoose,
  chosen,
  keyOf,
}: Props<R> & { row: R; column: TableColumn<R> }) {
  if (linkOf) {
    return (
      <Link to={linkOf(row)} className={styles.lead}>
        {column.cell(row)}
      </Link>
    );
  }
  if (!onChoose) return column.cell(row);
  return (
    <button
      type="button"
      className={styles.lead}
      aria-pressed={chosen === keyOf(row)}
      onClick={() => onChoose(row)}
    >
      {column.cell(row)}
    </button>
  );
}

function Heading<R>({
  column,
  sorted,
  onSort,
}: {
  column: TableColumn<R>;
  sorted: string;
  onSort: (sorted: string) => void;
}) {
  const rising = sorted === column.id;
  const falling = sorted === `-${column.id}`;
  if (!column.sort) {
    return (
      <div role="columnheader" data-align={column.align}>
        {column.title}
      </div>
    );
  }
  return (
    <div
      role="columnheader"
      data-align={column.align}
      aria-sort={rising ? "ascending" : falling ? "descending" : "none"}
    >
      <button type="button" onClick={() => onSort(rising ? `-${column.id}` : column.id)}>
        {column.title}
        {rising && <Icon name="up" size={12} />}
        {falling && <Icon name="down" size={12} />}
      </button>
    </div>
  );
}

/** The rows in the order of "column" or "-column"; as they came without one. */
function useOrdered<R>(
  rows: readonly R[],
  columns: readonly TableColumn<R>[],
  sorted: string,
): R[] {
  const defined = useMemo<ColumnDef<typeof features, R & object>[]>(
    () =>
      columns.map((column) => ({
        id: column.id,
        accessorFn: (row: R) => column.sort?.(row) ?? undefined,
        sortFn: compare as never,
        sortUndefined: "last" as const,
      })),
    [columns],
  );
  const sorting = useMemo<SortingState>(() => {
    const id = sorted.replace(/^-/, "");
    const known = columns.some((column) => column.id === id && column.sort);
    return known ? [{ id, desc: sorted.startsWith("-") }] : [];
  }, [columns, sorted]);
  const table = useTable({
    features,
    data: rows as (R & object)[],
    columns: defined,
    state: { sorting },
  });
  const ordered = table.getRowModel().rows;
  return useMemo(() => ordered.map((row) => row.original), [ordered]);
}

interface Sortable {
  getValue: (id: string) => unknown;
}

/** Numbers by size, names as people order them ("node 2" before "node 10"). */
function compare(a: Sortable, b: Sortable, id: string): number {
  const [left, right] = [a.getValue(id), b.getValue(id)];
  if (typeof left === "number" && typeof right === "number") return left - right;
  return NAMES.compare(String(left), String(right));
}

const NAMES = new Intl.Collator("en", { numeric: true });
