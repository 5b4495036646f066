/** Durations or rows of the last runs as bars, with the same in words and as a table. */

import { useEffect, useMemo, useRef, useState } from "react";

import { DURATION, wordsOf, type Bar, type Measure } from "./barData";
import { drawBars } from "./barPlot";
import styles from "./Bars.module.css";
import { localText } from "./formats";
import { Link } from "./Link";
import { useRepaint } from "./paint";
import { State } from "./State";
import { wordOf } from "./states";
import { Time } from "./Time";
import { useGoing } from "./useGoing";

interface Props {
  title: string;
  /** The oldest first. */
  bars: readonly Bar[];
  measure?: Measure;
  height?: number;
}

export function Bars({ title, bars, measure = DURATION, height = 120 }: Props) {
  const [over, setOver] = useState<Bar | null>(null);
  const place = useRef<HTMLDivElement>(null);
  const paint = useRepaint();
  const go = useGoing();
  useEffect(() => {
    const box = place.current;
    if (!box) return;
    const onChoose = (bar: Bar): void => go(bar.to);
    const plot = drawBars(box, { bars, measure, height, onOver: setOver, onChoose });
    const size = new ResizeObserver(() => {
      if (Math.abs(plot.width - box.clientWidth) > 1) {
        plot.setSize({ width: box.clientWidth, height });
      }
    });
    size.observe(box);
    return () => {
      size.disconnect();
      plot.destroy();
    };
  }, [bars, measure, height, go, paint]);
  const words = wordsOf(bars, measure.words);
  return (
    <figure className={styles.bars}>
      <div
        ref={place}
        role="img"
        aria-label={`${title}: ${words}`}
        className={styles.plot}
        style={{ height }}
        data-over={over ? "" : undefined}
      />
      <figcaption>{over ? pointedAt(over, measure) : words}</figcaption>
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
          <Values bars={bars} measure={measure} />
        </div>
      </details>
    </figure>
  );
}

function Values({ bars, measure }: { bars: readonly Bar[]; measure: Measure }) {
  const columns = useMemo(
    () => [...new Set(bars.flatMap((bar) => Object.keys(bar.more ?? {})))],
    [bars],
  );
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">Run</th>
          <th scope="col">State</th>
          {columns.map((name) => (
            <th key={name} scope="col">
              {name}
            </th>
          ))}
          <th scope="col">{measure.name}</th>
        </tr>
      </thead>
      <tbody>
        {[...bars].reverse().map((bar) => (
          <tr key={bar.key}>
            <td>
              <Link to={bar.to}>{bar.at ? <Time at={bar.at} /> : bar.key.slice(0, 8)}</Link>
            </td>
            <td>
              <State state={bar.state} />
            </td>
            {columns.map((name) => (
              <td key={name}>{bar.more?.[name] ?? "–"}</td>
            ))}
            <td>{measure.words(bar.value)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

/** "21:50 · 42 s · Failed". */
function pointedAt(bar: Bar, measure: Measure): string {
  const at = bar.at ? localText(bar.at) : "not started";
  const more = Object.entries(bar.more ?? {}).map(([name, value]) => `${name} ${value}`);
  return [at, measure.words(bar.value), wordOf(bar.state), ...more].join(" · ");
}
