/** Durations of runs as bars, drawn by uPlot, with the same in words and as a table. */

import { useEffect, useRef } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

import styles from "./Bars.module.css";
import { durationText, localText, numberText } from "./formats";
import { Link } from "./Link";
import { State } from "./State";
import { toneOf, type Tone } from "./states";
import { useGoing } from "./useGoing";

export interface Bar {
  key: string;
  seconds: number | null;
  state: string;
  at: string | null;
  /** Where a press on the bar leads. */
  to: string;
}

interface Props {
  title: string;
  bars: readonly Bar[];
  height?: number;
}

const SERIES: readonly Tone[] = ["success", "failed", "running", "cancelled"];

export function Bars({ title, bars, height = 120 }: Props) {
  const place = useRef<HTMLDivElement>(null);
  const go = useGoing();
  useEffect(() => {
    const box = place.current;
    if (!box) return;
    let plot = draw(box, bars, height, go);
    const again = (): void => {
      plot.destroy();
      plot = draw(box, bars, height, go);
    };
    const system = window.matchMedia("(prefers-color-scheme: dark)");
    const size = new ResizeObserver(() => {
      if (Math.abs(plot.width - box.clientWidth) > 1) {
        plot.setSize({ width: box.clientWidth, height });
      }
    });
    size.observe(box);
    system.addEventListener("change", again);
    window.addEventListener("themechange", again);
    return () => {
      size.disconnect();
      system.removeEventListener("change", again);
      window.removeEventListener("themechange", again);
      plot.destroy();
    };
  }, [bars, height, go]);
  const words = `${title}: ${wordsOf(bars)}`;
  return (
    <figure className={styles.bars}>
      <div ref={place} role="img" aria-label={words} className={styles.plot} />
      <figcaption>{wordsOf(bars)}</figcaption>
      <details>
        <summary>
          As a table<span className="unseen">: {title}</span>
        </summary>
        <div
          className={styles.scroll}
          role="region"
          aria-label={`${title} as a table`}
          tabIndex={0}
        >
          <table>
            <thead>
              <tr>
                <th scope="col">Run</th>
                <th scope="col">State</th>
                <th scope="col">Took</th>
              </tr>
            </thead>
            <tbody>
              {[...bars].reverse().map((bar) => (
                <tr key={bar.key}>
                  <td>
                    <Link to={bar.to}>{bar.at ? localText(bar.at) : bar.key}</Link>
                  </td>
                  <td>
                    <State state={bar.state} />
                  </td>
                  <td>{durationText(bar.seconds)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  );
}

/** "Last 42 s, typically 40 s in 30 runs, 2 of them failed". */
export function wordsOf(bars: readonly Bar[]): string {
  const known = bars.filter((bar) => bar.seconds !== null);
  const last = known.at(-1);
  if (!last) return "No run has ended yet.";
  const sorted = known.map((bar) => bar.seconds ?? 0).sort((a, b) => a - b);
  const middle = sorted[Math.floor(sorted.length / 2)];
  const failed = bars.filter((bar) => toneOf(bar.state) === "failed").length;
  const runs = known.length === 1 ? "" : `, typically ${durationText(middle)}`;
  const broken = failed ? `; ${numberText(failed)} of ${bars.length} failed` : "";
  return `Last ${durationText(last.seconds)}${runs}${broken}.`;
}

/** Steps of an axis of seconds that read well as durations. */
const STEPS = [
  0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 20, 30, 60, 120, 300, 600, 900, 1200, 1800,
  3600, 7200, 10_800, 21_600, 43_200, 86_400, 172_800, 604_800,
];

/** "20 s", "5 min", "2 h". */
function tickText(seconds: number): string {
  if (seconds === 0) return "0";
  if (seconds < 60) return `${Number(seconds.toFixed(2))} s`;
  if (seconds < 3600) return `${Number((seconds / 60).toFixed(1))} min`;
  return `${Number((seconds / 3600).toFixed(1))} h`;
}

/** A colour as the page computes it: what a canvas takes knows no variables. */
function colour(box: HTMLElement, name: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${name})`;
  box.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

function draw(
  box: HTMLElement,
  bars: readonly Bar[],
  height: number,
  go: (to: string) => void,
): uPlot {
  const paths = uPlot.paths.bars?.({ size: [0.72, 26], align: 0 });
  const ink = colour(box, "--muted");
  const line = colour(box, "--line");
  const seriesOf = (bar: Bar): Tone => {
    const tone = toneOf(bar.state);
    return SERIES.includes(tone) ? tone : "success";
  };
  const data: uPlot.AlignedData = [
    bars.map((_, index) => index),
    ...SERIES.map((tone) => bars.map((bar) => (seriesOf(bar) === tone ? bar.seconds : null))),
  ];
  const font = `11px ${getComputedStyle(box).fontFamily}`;
  const plot = new uPlot(
    {
      width: box.clientWidth || 300,
      height,
      padding: [6, 4, 7, 0],
      legend: { show: false },
      cursor: { y: false, drag: { x: false, y: false }, points: { show: false } },
      scales: {
        x: { time: false, range: [-0.6, Math.max(bars.length, 8) - 0.4] },
        y: { range: (_, __, most) => [0, most > 0 ? most * 1.08 : 1] },
      },
      axes: [
        { show: false },
        {
          stroke: ink,
          font,
          size: 52,
          gap: 4,
          space: 34,
          grid: { stroke: line, width: 1 },
          ticks: { show: false },
          incrs: STEPS,
          values: (_, splits) => splits.map(tickText),
        },
      ],
      series: [
        {},
        ...SERIES.map((tone): uPlot.Series => {
          const fill = colour(box, `--state-${tone}`);
          return { paths, fill, stroke: fill, width: 0, points: { show: false } };
        }),
      ],
      hooks: {
        setCursor: [
          (self) => {
            const bar = bars[self.cursor.idx ?? -1];
            self.over.title = bar
              ? `${bar.at ? localText(bar.at) : ""} · ${durationText(bar.seconds)} · ${bar.state}`
              : "";
          },
        ],
      },
    },
    data,
    box,
  );
  plot.over.addEventListener("click", () => {
    const bar = bars[plot.cursor.idx ?? -1];
    if (bar) go(bar.to);
  });
  return plot;
}
