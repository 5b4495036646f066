/** Last night in one sentence. */

import type { Home } from "../../api/types";
import { countText } from "../../parts/formats";

export interface Verdict {
  tone: "failed" | "late" | "running" | "good" | "nothing";
  text: string;
}

export function verdictOf(night: Home["last_night"]): Verdict {
  const { ok, failed, running, late } = night;
  const done = ok + failed;
  if (failed > 0) {
    const all = failed === done;
    const runs = all
      ? failed === 1
        ? "the only run failed"
        : `all ${failed} runs failed`
      : `${failed} of ${countText(done, "run")} failed`;
    return { tone: "failed", text: `Last night ${runs}${also(late, running)}.` };
  }
  if (late > 0) {
    return {
      tone: "late",
      text: `${countText(late, "run")} should have begun and ${late === 1 ? "has" : "have"} not${
        done ? `; ${done === 1 ? "the one that ended" : `the ${done} that ended`} succeeded` : ""
      }.`,
    };
  }
  if (done > 0) {
    const runs = done === 1 ? "The one run" : done === 2 ? "Both runs" : `All ${done} runs`;
    const more = running > 0 ? `, and ${countText(running, "run")} still going` : "";
    return { tone: "good", text: `${runs} of last night succeeded${more}.` };
  }
  if (running > 0) {
    return {
      tone: "running",
      text: `${countText(running, "run")} ${running === 1 ? "is" : "are"} under way.`,
    };
  }
  return { tone: "nothing", text: "Nothing ran last night." };
}

function also(late: number, running: number): string {
  const words = [
    late > 0 ? `${late} ${late === 1 ? "is" : "are"} late` : "",
    running > 0 ? `${running} still ${running === 1 ? "runs" : "run"}` : "",
  ].filter(Boolean);
  return words.length ? `, ${words.join(" and ")}` : "";
}
