/** One dataset of the drawing: its heading, a row for each column, a way on where sight ends. */

import { memo } from "react";

import type { LineageEnd } from "../api/types";
import { Icon } from "../parts/icons";
import styles from "./Lineage.module.css";
import { columnText, portOf, type Box } from "./model";
import { parted } from "./names";
import { HEAD, ROW, WIDE, type Placed } from "./place";
import { columnOf, type Rows } from "./rows";

interface Props {
  placed: Placed;
  box: Box;
  rows: Rows;
  /** Ports on the lit path; null where nothing is lit. */
  lit: ReadonlySet<string> | null;
  /** The port that is followed. */
  focus: string;
  /** The port that Tab stops at. */
  tab: string;
  unknown: string | undefined;
  steps: ("up" | "down")[];
  onHover: (port: string | null) => void;
  onTab: (port: string) => void;
  onFollow: (end: LineageEnd) => void;
  onUnfold: (name: string) => void;
  onFurther: (way: "up" | "down", dataset: string) => void;
}

export const BoxView = memo(function BoxView(props: Props) {
  const { placed, box, rows, lit, focus, unknown } = props;
  const heading = portOf({ dataset: box.name, column: null });
  const own = [heading, ...rows.shown, ...rows.folded];
  const bright = lit === null || own.some((port) => lit.has(port));
  const { last, before } = parted(box.name);
  const alone = own.length === 1;
  return (
    <div
      className={styles.box}
      role="group"
      aria-label={box.name}
      data-bright={bright}
      data-focus={own.includes(focus) || undefined}
      style={{ left: placed.left, top: placed.top, width: WIDE, height: placed.high }}
    >
      <Row
        {...props}
        port={heading}
        className={styles.heading!}
        high={alone ? HEAD - 2 : HEAD}
        title={box.name}
        alone={alone}
      >
        <span className={styles.before}>{before || box.kind || " "}</span>
        <span className={styles.last}>{last}</span>
        {unknown !== undefined && (
          <span className={styles.why} title={unknown}>
            <Icon name="help" size={14} />
            <span className="unseen">not all is known: {unknown}</span>
          </span>
        )}
      </Row>
      {rows.shown.map((port) => (
        <Row
          {...props}
          key={port}
          port={port}
          className={styles.row!}
          high={ROW}
          title={columnOf(port)}
        >
          {columnText(columnOf(port))}
        </Row>
      ))}
      {rows.folded.length > 0 && (
        <button
          type="button"
          className={styles.more}
          style={{ height: ROW }}
          data-lit={lit === null ? undefined : rows.folded.some((port) => lit.has(port))}
          onClick={() => props.onUnfold(box.name)}
        >
          {rows.folded.length} more {rows.folded.length === 1 ? "column" : "columns"}
        </button>
      )}
      {props.steps.map((way) => (
        <button
          key={way}
          type="button"
          className={styles.further}
          data-way={way}
          title={way === "up" ? "Show what feeds it" : "Show what it feeds"}
          onClick={() => props.onFurther(way, box.name)}
        >
          <Icon name="plus" size={12} />
          <span className="unseen">
            {way === "up" ? "Show what feeds" : "Show what is made of"} {box.name}
          </span>
        </button>
      ))}
    </div>
  );
});

interface RowProps extends Props {
  port: string;
  className: string;
  high: number;
  title: string;
  alone?: boolean;
  children: React.ReactNode;
}

function Row({
  port,
  alone,
  className,
  high,
  title,
  children,
  box,
  lit,
  focus,
  tab,
  onHover,
  onTab,
  onFollow,
}: RowProps) {
  const column = port === portOf({ dataset: box.name, column: null }) ? null : columnOf(port);
  return (
    <button
      type="button"
      className={className}
      style={{ height: high }}
      title={title}
      data-port={port}
      data-alone={alone || undefined}
      data-lit={lit === null ? undefined : lit.has(port)}
      aria-current={port === focus || undefined}
      tabIndex={port === tab ? 0 : -1}
      onPointerEnter={() => onHover(port)}
      onPointerLeave={() => onHover(null)}
      onFocus={() => {
        onTab(port);
        onHover(port);
      }}
      onBlur={() => onHover(null)}
      onClick={() => onFollow({ dataset: box.name, column })}
    >
      {children}
    </button>
  );
}
