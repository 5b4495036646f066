/** The canvas of a chart of runs, drawn by uPlot: hovering tells of a bar, a press chooses it. */

import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";

import { seriesOf, type Bar, type Measure } from "./barData";
import { inkOf } from "./paint";

/** So few bars still leave room for this many, or one run would fill the chart. */
const FEWEST = 8;

export interface Plot {
  bars: readonly Bar[];
  measure: Measure;
  height: number;
  /** Called with the bar below the pointer, null beside them all. */
  onOver: (bar: Bar | null) => void;
  onChoose: (bar: Bar) => void;
}

export function drawBars(box: HTMLElement, plot: Plot): uPlot {
  const { bars, height } = plot;
  const { tones, data } = seriesOf(bars);
  const paths = uPlot.paths.bars?.({ size: [0.72, 26], radius: 0.12 });
  const series = tones.map((tone): uPlot.Series => {
    const ink = inkOf(box, `--state-${tone}`);
    return { paths, fill: ink, stroke: ink, width: 0, points: { show: false } };
  });
  const drawn: uPlot = new uPlot(
    {
      width: box.clientWidth || 300,
      height,
      padding: [6, 4, 7, 0],
      legend: { show: false },
      cursor: { x: false, y: false, drag: { x: false, y: false }, points: { show: false } },
      scales: {
        x: { time: false, range: () => [-0.6, Math.max(bars.length, FEWEST) - 0.4] },
        y: { range: (_, __, most) => [0, most > 0 ? most * 1.08 : 1] },
      },
      axes: [{ show: false }, heights(box, plot.measure)],
      series: [{}, ...series],
      hooks: { setCursor: [(self) => plot.onOver(barOf(self, bars))] },
    },
    data as unknown as uPlot.AlignedData,
    box,
  );
  drawn.over.addEventListener("click", () => {
    const bar = barOf(drawn, bars);
    if (bar) plot.onChoose(bar);
  });
  return drawn;
}

/** The bar at whose place the pointer is; a run without a value has a place, too. */
function barOf(plot: uPlot, bars: readonly Bar[]): Bar | null {
  const left = plot.cursor.left ?? -1;
  return left < 0 ? null : (bars[Math.round(plot.posToVal(left, "x"))] ?? null);
}

function heights(box: HTMLElement, measure: Measure): uPlot.Axis {
  return {
    stroke: inkOf(box, "--muted"),
    font: `11px ${getComputedStyle(box).fontFamily}`,
    size: 56,
    gap: 4,
    space: 34,
    grid: { stroke: inkOf(box, "--line"), width: 1 },
    ticks: { show: false },
    ...(measure.steps && { incrs: measure.steps }),
    values: (_, splits) => splits.map(measure.tick),
  };
}
