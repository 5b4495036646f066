/** The drawing: boxes of columns over the links between them; a column lights its path. */

import {
  memo,
  useCallback,
  useEffect,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
  type KeyboardEvent,
  type RefObject,
} from "react";

import type { LineageEnd } from "../api/types";
import { Button } from "../parts/Button";
import type { Way } from "./asking";
import { furtherOf } from "./asking";
import { BoxView } from "./BoxView";
import styles from "./Lineage.module.css";
import {
  columnText,
  endOf,
  isEdgeOfSight,
  pathOf,
  portOf,
  wordsOf,
  type Drawn,
  type Link,
} from "./model";
import { placed, WIDE, type Curve, type Picture } from "./place";
import { allRows } from "./rows";
import { stepped } from "./steps";

const MARGIN = 34;
const ZOOMS = [0.35, 0.5, 0.65, 0.8, 1, 1.25];
/** What is smaller cannot be read. */
const LEAST = 0.75;
const NOTHING: ReadonlySet<string> = new Set();

interface Props {
  drawn: Drawn;
  focus: LineageEnd;
  way: Way;
  further: readonly string[];
  picked: Link | null;
  onPick: (link: Link) => void;
  onFollow: (end: LineageEnd) => void;
  onFurther: (way: "up" | "down", dataset: string) => void;
}

export function Board({ drawn, focus, way, further, picked, onPick, onFollow, onFurther }: Props) {
  const followed = portOf(focus);
  const [under, hover] = useState<string | null>(null);
  const [open, setOpen] = useState<ReadonlySet<string>>(NOTHING);
  const [asked, setZoom] = useState<number | null>(null);
  const [tab, setTab] = useState(followed);
  const place = useRef<HTMLDivElement>(null);

  const chosen = useMemo(
    () => (focus.column === null ? null : pathOf(drawn.links, followed)),
    [drawn, focus.column, followed],
  );
  const rows = useMemo(
    () => allRows(drawn, chosen?.ports ?? NOTHING, open, focus.dataset),
    [drawn, chosen, open, focus.dataset],
  );
  const picture = useMemo(() => placed(drawn, rows), [drawn, rows]);
  const wide = useWidth(place);
  const zoom = asked ?? fittingAtFirst(wide, picture);
  const lit = useMemo(
    () => (under === null ? chosen : pathOf(drawn.links, under)),
    [drawn, under, chosen],
  );
  const unfold = useCallback((name: string) => setOpen((before) => new Set([...before, name])), []);
  // The followed dataset is kept in the middle until the reader moves the drawing.
  const moved = useRef("");
  useLayoutEffect(() => {
    const view = place.current;
    const box = picture.boxes.find((each) => each.name === focus.dataset);
    if (!view || !box || wide === 0 || moved.current === followed) return;
    view.scrollLeft = (box.left + MARGIN + WIDE / 2) * zoom - view.clientWidth / 2;
    view.scrollTop =
      (box.top + MARGIN + Math.min(box.high, 200) / 2) * zoom - view.clientHeight / 2;
  }, [picture, focus.dataset, followed, wide, zoom]);

  const here = known(drawn, rows, tab) ? tab : portOf({ dataset: focus.dataset, column: null });
  const walk = (event: KeyboardEvent<HTMLElement>): void => {
    const port = (event.target as HTMLElement).dataset.port;
    const next = port === undefined ? null : stepped(drawn, rows, port, event.key);
    if (next === null) return;
    event.preventDefault();
    moved.current = followed;
    setTab(next);
    focusPort(place.current, next);
  };
  const steps = (name: string): ("up" | "down")[] =>
    (["up", "down"] as const).filter(
      (to) =>
        (way === "both" || way === to) &&
        isEdgeOfSight(drawn, name, to) &&
        !further.includes(furtherOf(to, name)) &&
        !(to === "up" && drawn.unknown.has(name)),
    );

  return (
    <div className={styles.board}>
      <Zooms zoom={zoom} onZoom={setZoom} onFit={() => setZoom(fitting(place.current, picture))} />
      <div
        ref={place}
        className={styles.scroll}
        style={{ height: `min(68vh, ${Math.max(260, (picture.high + 2 * MARGIN) * zoom + 20)}px)` }}
        role="group"
        aria-label="Drawing of the lineage. Arrow keys move along columns and links, Enter follows a column."
        onKeyDown={walk}
        onWheel={() => (moved.current = followed)}
        onPointerDown={() => (moved.current = followed)}
      >
        <div
          className={styles.sheet}
          style={{
            width: (picture.wide + 2 * MARGIN) * zoom,
            height: (picture.high + 2 * MARGIN) * zoom,
          }}
        >
          <div
            className={styles.paper}
            style={{ transform: `scale(${zoom}) translate(${MARGIN}px, ${MARGIN}px)` }}
          >
            <Lines picture={picture} lit={lit?.links ?? null} picked={picked} onPick={onPick} />
            {picture.boxes.map((box) => (
              <BoxView
                key={box.name}
                placed={box}
                box={drawn.boxes.find((each) => each.name === box.name)!}
                rows={rows.get(box.name)!}
                lit={lit?.ports ?? null}
                focus={followed}
                tab={here}
                unknown={drawn.unknown.get(box.name)}
                steps={steps(box.name)}
                onHover={hover}
                onTab={setTab}
                onFollow={onFollow}
                onUnfold={unfold}
                onFurther={onFurther}
              />
            ))}
          </div>
        </div>
      </div>
    </div>
  );
}

function known(
  drawn: Drawn,
  rows: ReadonlyMap<string, { shown: string[] }>,
  port: string,
): boolean {
  const { dataset, column } = endOf(port);
  if (column === null) return drawn.boxes.some((box) => box.name === dataset);
  return rows.get(dataset)?.shown.includes(port) ?? false;
}

function focusPort(place: HTMLElement | null, port: string): void {
  const found = [...(place?.querySelectorAll<HTMLElement>("[data-port]") ?? [])].find(
    (each) => each.dataset.port === port,
  );
  found?.focus();
  found?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

/** How wide the view is; 0 before that is known. */
function useWidth(place: RefObject<HTMLElement | null>): number {
  const [wide, setWide] = useState(0);
  useEffect(() => {
    if (!place.current) return;
    const observer = new ResizeObserver(([entry]) =>
      setWide(Math.round(entry?.contentRect.width ?? 0)),
    );
    observer.observe(place.current);
    return () => observer.disconnect();
  }, [place]);
  return wide;
}

/** All of it side by side where that can be read, else its real size. */
function fittingAtFirst(wide: number, picture: Picture): number {
  const most = wide / (picture.wide + 2 * MARGIN);
  return most >= 1 || wide === 0
    ? 1
    : most >= LEAST
      ? Math.floor(most * 100) / 100
      : Math.max(LEAST, Math.min(1, wide / 480));
}

function fitting(place: HTMLElement | null, picture: Picture): number {
  if (!place) return 1;
  const most = Math.min(
    place.clientWidth / (picture.wide + 2 * MARGIN),
    place.clientHeight / (picture.high + 2 * MARGIN),
  );
  return Math.min(1, Math.max(ZOOMS[0]!, Math.floor(most * 100) / 100));
}

interface ZoomProps {
  zoom: number;
  onZoom: (zoom: number) => void;
  onFit: () => void;
}

function Zooms({ zoom, onZoom, onFit }: ZoomProps) {
  const less = [...ZOOMS].reverse().find((each) => each < zoom);
  const more = ZOOMS.find((each) => each > zoom);
  return (
    <div className={styles.zooms} role="group" aria-label="Zoom">
      <Button
        kind="quiet"
        icon="minus"
        bare
        disabled={less === undefined}
        onClick={() => onZoom(less ?? zoom)}
      >
        Smaller
      </Button>
      <Button
        kind="quiet"
        icon="plus"
        bare
        disabled={more === undefined}
        onClick={() => onZoom(more ?? zoom)}
      >
        Larger
      </Button>
      <Button kind="quiet" icon="fit" bare onClick={onFit}>
        Show all of it
      </Button>
    </div>
  );
}

interface LinesProps {
  picture: Picture;
  lit: ReadonlySet<string> | null;
  picked: Link | null;
  onPick: (link: Link) => void;
}

/** The links; screen readers have them in the panel and the table. */
function Lines({ picture, lit, picked, onPick }: LinesProps) {
  const bright = lit === null ? [] : picture.curves.filter((curve) => isIn(curve, lit));
  const chosen = picture.curves.filter(
    ({ links }) => picked !== null && links.some(({ id }) => id === picked.id),
  );
  return (
    <svg
      className={styles.lines}
      width={picture.wide}
      height={picture.high}
      aria-hidden="true"
      data-dim={lit !== null || undefined}
    >
      <Ground curves={picture.curves} onPick={onPick} />
      <g className={styles.bright}>
        {bright.map((curve) => (
          <Line key={curve.id} curve={curve} />
        ))}
      </g>
      <g className={styles.picked}>
        {chosen.map((curve) => (
          <Line key={curve.id} curve={curve} />
        ))}
      </g>
    </svg>
  );
}

const isIn = ({ links }: Curve, lit: ReadonlySet<string>): boolean =>
  links.some(({ id }) => lit.has(id));

/** All links, drawn once: what is lit is drawn over them, so that pointing stays quick. */
const Ground = memo(function Ground({
  curves,
  onPick,
}: {
  curves: readonly Curve[];
  onPick: LinesProps["onPick"];
}) {
  return (
    <g className={styles.ground}>
      {curves.map((curve) => (
        <g key={curve.id} className={styles.link} onClick={() => onPick(curve.links[0]!)}>
          <title>{titleOf(curve)}</title>
          <path className={styles.near} d={curve.d} />
          <Line curve={curve} />
        </g>
      ))}
    </g>
  );
});

function Line({ curve }: { curve: Curve }) {
  const vague = curve.links.every(({ kind }) => wordsOf(kind).vague);
  return (
    <>
      <path className={styles.line} data-vague={vague || undefined} d={curve.d} />
      <path className={styles.tip} d={tipOf(curve.d)} />
    </>
  );
}

function titleOf({ links }: Curve): string {
  const [{ from, to, kind }] = links as [Link];
  const first = `${from.dataset}.${columnText(from.column)} → ${to.dataset}.${columnText(to.column)}: ${wordsOf(kind).short}`;
  return links.length > 1 ? `${first}\nand ${links.length - 1} more` : first;
}

/** A small arrow head where the curve ends. */
function tipOf(d: string): string {
  const [x, y] = d
    .slice(d.lastIndexOf("C") + 1)
    .split(" ")
    .slice(-2)
    .map(Number) as [number, number];
  return `M${x} ${y - 3.5}L${x + 5} ${y}L${x} ${y + 3.5}Z`;
}
