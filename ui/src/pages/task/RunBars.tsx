/** Bars over the last runs, coloured by state, with a table that says the same. */

import "uplot/dist/uPlot.min.css";

import { useEffect, useMemo, useRef, useState } from "react";
import uPlot from "uplot";

import { localText } from "../../parts/formats";
import { Link } from "../../parts/Link";
import { State } from "../../parts/State";
import { Time } from "../../parts/Time";
import { useGoing } from "../../parts/useGoing";
import { barAt, seriesOf, type Bar } from "./bars";
import { inkOf, useRepaint } from "./paint";
import styles from "./RunBars.module.css";

interface Props {
  /** The oldest first. */
  bars: Bar[];
  /** What the bars measure: "Duration". */
  measure: string;
  /** A value in words. */
  words: (value: number | null) => string;
  /** Where a bar leads to. */
  link: (bar: Bar) => string;
  height?: number;
}

export function RunBars({ bars, measure, words, link, height = 180 }: Props) {
  const [over, setOver] = useState<number | null>(null);
  const place = useRef<HTMLDivElement>(null);
  const paint = useRepaint();
  const going = useGoing();
  const chosen = over === null ? null : bars[over];
  useEffect(() => {
    const box = place.current;
    if (!box || !bars.length) return;
    const plot = draw(box, bars, words, height);
    const watcher = new ResizeObserver(() => plot.setSize({ width: box.clientWidth, height }));
    watcher.observe(box);
    return () => {
      watcher.disconnect();
      plot.destroy();
    };
  }, [bars, words, height, paint]);
  const barOf = (event: React.MouseEvent<HTMLDivElement>): number | null => {
    const inner = place.current?.querySelector(".u-over")?.getBoundingClientRect();
    if (!inner || event.clientX < inner.left || event.clientX > inner.right) return null;
    return barAt((event.clientX - inner.left) / inner.width, bars.length);
  };
  const columns = useMemo(
    () => [...new Set(bars.flatMap((bar) => Object.keys(bar.more ?? {})))],
    [bars],
  );
  return (
    <div className={styles.chart}>
      <div
        ref={place}
        className={styles.plot}
        style={{ height }}
        role="img"
        aria-label={`${measure} of the last ${bars.length} runs; the table below says the same`}
        data-over={chosen ? "" : undefined}
        onMouseMove={(event) => setOver(barOf(event))}
        onMouseLeave={() => setOver(null)}
        onClick={(event) => {
          const bar = bars[barOf(event) ?? -1];
          if (bar) going(link(bar));
        }}
      />
      <p className={styles.said} aria-hidden="true">
        {chosen
          ? [
              chosen.at ? localText(chosen.at) : "–",
              words(chosen.value),
              chosen.state,
              ...Object.values(chosen.more ?? {}),
            ].join(" · ")
          : rangeOf(bars)}
      </p>
      <details className={styles.table}>
        <summary>As a table</summary>
        <div
          className={styles.scroll}
          tabIndex={0}
          role="region"
          aria-label={`${measure} as a table`}
        >
          <table>
            <thead>
              <tr>
                <th scope="col">Started</th>
                <th scope="col">{measure}</th>
                {columns.map((name) => (
                  <th key={name} scope="col">
                    {name}
                  </th>
                ))}
                <th scope="col">State</th>
                <th scope="col">Run</th>
              </tr>
            </thead>
            <tbody>
              {[...bars].reverse().map((bar) => (
                <tr key={bar.run}>
                  <td>
                    <Time at={bar.at} />
                  </td>
                  <td>{words(bar.value)}</td>
                  {columns.map((name) => (
                    <td key={name}>{bar.more?.[name] ?? "–"}</td>
                  ))}
                  <td>
                    <State state={bar.state} />
                  </td>
                  <td>
                    <Link to={link(bar)}>{bar.run.slice(0, 8)}</Link>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </div>
  );
}

function rangeOf(bars: Bar[]): string {
  const [first, last] = [bars[0]?.at, bars.at(-1)?.at];
  return first && last && bars.length > 1 ? `${localText(first)} to ${localText(last)}` : "";
}

/** Words of the axis; those that would read the same are said once. */
function labelsOf(ticks: number[], words: Props["words"]): string[] {
  const labels = ticks.map((tick) => (tick === 0 ? "0" : words(tick)));
  return labels.map((label, index) => (label === labels[index - 1] ? "" : label));
}

function draw(box: HTMLElement, bars: Bar[], words: Props["words"], height: number): uPlot {
  const { tones, data } = seriesOf(bars);
  const [muted, line] = [inkOf(box, "--muted"), inkOf(box, "--line")];
  const font = `12px ${getComputedStyle(box).fontFamily}`;
  const paths = uPlot.paths.bars?.({ size: [0.72, 34], radius: 0.12 });
  const series = tones.map((tone) => {
    const ink = inkOf(box, `--state-${tone}`);
    return { paths, fill: ink, stroke: ink, width: 0, points: { show: false } };
  });
  return new uPlot(
    {
      width: box.clientWidth,
      height,
      legend: { show: false },
      cursor: { show: false },
      padding: [8, 4, 8, 0],
      scales: {
        x: { time: false, range: () => [-0.5, bars.length - 0.5] },
        y: { range: (_, __, most) => [0, most > 0 ? most * 1.08 : 1] },
      },
      axes: [
        { show: false },
        {
          stroke: muted,
          font,
          size: 70,
          grid: { stroke: line, width: 1 },
          ticks: { show: false },
          space: 36,
          values: (_, ticks) => labelsOf(ticks, words),
        },
      ],
      series: [{}, ...series],
    },
    data as unknown as uPlot.AlignedData,
    box,
  );
}
