/** A tree of rows, of which only those in sight exist; timeline and table are both drawn on it. */

import { useVirtualizer } from "@tanstack/react-virtual";
import {
  useEffect,
  useId,
  useRef,
  type JSX,
  type KeyboardEvent,
  type ReactNode,
  type Ref,
} from "react";

import { Icon } from "../../parts/icons";
import { Link } from "../../parts/Link";
import { CountBar } from "../../graph/nodes";
import { Standing } from "../../graph/Standing";
import { weighed, worst } from "../../graph/states";
import type { RunView } from "./address";
import type { Row } from "./rows";
import type { ChangeRunView } from "./useRunView";
import styles from "./Rows.module.css";

/** What rows are, and what can be done with one, however they are drawn. */
interface RowsGiven {
  label: string;
  rows: readonly Row[];
  onFold: (row: Row) => void;
  onOpen: (row: Row) => void;
  /** The address a row leads to; null for groups. */
  linkOf: (row: Row) => string | null;
}

/** What a view of rows gets from the page. */
export interface RowsView extends RowsGiven {
  view: RunView;
  onView: ChangeRunView;
}

interface Props extends RowsGiven {
  /** Key of the row or task that is selected. */
  selected: string | null;
  onSelect: (key: string) => void;
  /** The row above, with role="columnheader" cells. */
  header: ReactNode;
  /** The cells after the name. */
  cells: (row: Row) => ReactNode;
  /** How the columns are laid out: a class with grid-template-columns. */
  columns?: string;
  rowHeight: number;
  /** Keys that the view itself knows. */
  onKey?: (event: KeyboardEvent) => boolean;
  boxRef?: Ref<HTMLDivElement>;
  columnCount: number;
}

export function Rows(props: Props): JSX.Element {
  const { label, rows, selected, onSelect, header, cells, columns, rowHeight } = props;
  const id = useId();
  const box = useRef<HTMLDivElement | null>(null);
  const list = useVirtualizer({
    count: rows.length,
    getScrollElement: () => box.current,
    estimateSize: () => rowHeight,
    overscan: 10,
    scrollPaddingStart: 44,
  });
  useEffect(() => list.measure(), [list, rowHeight]);
  const at = rows.findIndex((row) => row.key === selected);
  const linked = useRef(true);
  useEffect(() => {
    // A link to a row shows that row; later, only the keys move the view.
    if (linked.current && at >= 0) list.scrollToIndex(at, { align: "center" });
    if (rows.length > 0) linked.current = false;
  }, [at, list, rows.length]);
  const press = (event: KeyboardEvent): void => {
    if (event.target !== event.currentTarget || event.ctrlKey || event.metaKey || event.altKey)
      return;
    if (!pressed(event)) return;
    event.preventDefault();
    event.stopPropagation();
  };
  const goTo = (index: number): void => {
    const next = rows[Math.max(0, Math.min(rows.length - 1, index))];
    if (!next) return;
    onSelect(next.key);
    list.scrollToIndex(rows.indexOf(next));
  };
  const pressed = (event: KeyboardEvent): boolean => {
    const row = rows[at];
    const page = Math.max(1, Math.floor((box.current?.clientHeight ?? 0) / rowHeight) - 2);
    const steps: Record<string, number> = {
      ArrowDown: at + 1,
      ArrowUp: at < 0 ? 0 : at - 1,
      PageDown: at + page,
      PageUp: at - page,
      Home: 0,
      End: rows.length - 1,
    };
    const to = event.shiftKey ? undefined : steps[event.key];
    if (to !== undefined) goTo(to);
    else if (props.onKey?.(event)) return true;
    else if (row && event.key === "Enter") props.onOpen(row);
    else if (row && event.key === "ArrowRight" && row.open === false) props.onFold(row);
    else if (row && event.key === "ArrowLeft" && row.open === true) props.onFold(row);
    else if (row && event.key === "ArrowLeft")
      goTo(rows.findLastIndex((each, i) => i < at && each.level < row.level));
    else return false;
    return true;
  };
  return (
    <div
      ref={(element) => {
        box.current = element;
        if (typeof props.boxRef === "function") props.boxRef(element);
        else if (props.boxRef) props.boxRef.current = element;
      }}
      className={styles.box}
      tabIndex={0}
      role="treegrid"
      aria-label={label}
      aria-rowcount={rows.length + 1}
      aria-colcount={props.columnCount}
      aria-activedescendant={at >= 0 ? `${id}-${at}` : undefined}
      onKeyDown={press}
    >
      <div className={`${styles.head} ${columns ?? ""}`} role="row" aria-rowindex={1}>
        {header}
      </div>
      <div className={styles.all} role="rowgroup" style={{ height: list.getTotalSize() }}>
        {list.getVirtualItems().map(({ index, start }) => {
          const row = rows[index];
          return (
            row && (
              <div
                key={row.key}
                id={`${id}-${index}`}
                role="row"
                aria-rowindex={index + 2}
                aria-level={row.level}
                aria-expanded={row.open ?? undefined}
                aria-selected={index === at}
                data-kind={row.type}
                className={`${styles.row} ${columns ?? ""}`}
                style={{ height: rowHeight, transform: `translateY(${start}px)` }}
                onClick={() => onSelect(row.key)}
                onDoubleClick={() => props.onOpen(row)}
              >
                <Name {...{ row, onFold: props.onFold, link: props.linkOf(row) }} />
                {cells(row)}
              </div>
            )
          );
        })}
      </div>
    </div>
  );
}

interface NameProps {
  row: Row;
  onFold: (row: Row) => void;
  link: string | null;
}

function Name({ row, onFold, link }: NameProps): JSX.Element {
  const name = row.type === "group" ? row.name : row.entry.name;
  const state = row.type === "group" ? worst(row.counts) : row.entry.state;
  const fold = (): void => onFold(row);
  return (
    <div className={styles.name} role="gridcell" data-level={Math.min(row.level, 3)}>
      {row.open === null ? (
        <span className={styles.leaf} />
      ) : (
        <button
          type="button"
          tabIndex={-1}
          className={styles.fold}
          data-open={row.open}
          aria-label={`${row.open ? "Fold" : "Unfold"} ${name}`}
          onClick={fold}
        >
          <Icon name="right" size={12} />
        </button>
      )}
      <Standing state={state} bare />
      {link === null ? (
        <button type="button" tabIndex={-1} className={styles.link} title={name} onClick={fold}>
          <bdi>{name}</bdi>
        </button>
      ) : (
        <Link to={link} tabIndex={-1} className={styles.link} title={name}>
          <bdi>{name}</bdi>
        </Link>
      )}
      {row.counts && <Counted row={row} />}
    </div>
  );
}

function Counted({ row }: { row: Row }): JSX.Element {
  const counts = weighed(row.counts ?? {});
  const all = counts.reduce((sum, [, count]) => sum + count, 0);
  return (
    <span
      className={styles.counts}
      title={counts.map(([state, count]) => `${count} ${state}`).join(", ")}
    >
      {all.toLocaleString()}
      <CountBar counts={counts} />
    </span>
  );
}
