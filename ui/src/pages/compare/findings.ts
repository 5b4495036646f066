/** What differs between two runs, in words and for the table. */

import type { ComparedTask, Comparison } from "../../api/types";
import { countText, durationText } from "../../parts/formats";
import { toneOf } from "../../parts/states";

/** From here on a task counts as faster or slower: a fifth, and half a second. */
const RATIO = 1.2;
const SECONDS = 0.5;

export type Finding = "only" | "state" | "sql" | "rows" | "slower" | "faster";

export function findingsOf(task: ComparedTask): Finding[] {
  const { a, b } = task;
  if (!a || !b) return ["only"];
  const found: Finding[] = [];
  if (a.state !== b.state && toneOf(a.state) !== toneOf(b.state)) found.push("state");
  if (task.sql_changed) found.push("sql");
  if (task.rows_change) found.push("rows");
  const [before, after] = [a.seconds ?? 0, b.seconds ?? 0];
  if (Math.abs(after - before) >= SECONDS) {
    if (after >= before * RATIO) found.push("slower");
    if (before >= after * RATIO) found.push("faster");
  }
  return found;
}

/** "It took 3 s longer. 2 tasks changed their SQL, 1 task ended otherwise." */
export function summaryOf({ a, b, tasks }: Comparison): string {
  const sentences: string[] = [];
  if (a.seconds !== null && b.seconds !== null) {
    const more = b.seconds - a.seconds;
    sentences.push(
      Math.abs(more) < SECONDS
        ? "Both took as long."
        : `The second took ${durationText(Math.abs(more))} ${more > 0 ? "longer" : "less"}.`,
    );
  }
  const all = tasks.flatMap(findingsOf);
  const count = (finding: Finding): number => all.filter((each) => each === finding).length;
  const WORDS: [Finding, string][] = [
    ["state", "ended otherwise"],
    ["sql", "changed SQL"],
    ["rows", "changed rows"],
    ["slower", "slower"],
    ["faster", "faster"],
    ["only", "in one run only"],
  ];
  const said = WORDS.filter(([finding]) => count(finding) > 0).map(
    ([finding, words]) => `${countText(count(finding), "task")} ${words}`,
  );
  sentences.push(said.length ? `${said.join(", ")}.` : "No task differs.");
  return sentences.join(" ");
}

/** "×1.5", "×0.4": how long the second took of the first. */
export function ratioText(ratio: number | null): string {
  if (ratio === null) return "–";
  return `×${ratio >= 10 ? ratio.toFixed(0) : ratio.toFixed(ratio < 0.095 ? 2 : 1)}`;
}

/** "+1,204", "−3", "0". */
export function changeText(change: number | null): string {
  if (change === null) return "–";
  const size = Math.abs(change).toLocaleString("en-US");
  return change > 0 ? `+${size}` : change < 0 ? `−${size}` : "0";
}
