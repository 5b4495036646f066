/** How long something took, or has been under way. */

import { useNow } from "./clock";
import { durationText } from "./formats";

interface Props {
  seconds?: number | null;
  /** When it began; without `seconds` and `until`, it is counted on. */
  since?: string | null;
  until?: string | null;
}

export function Duration({ seconds, since, until }: Props) {
  const known = seconds !== null && seconds !== undefined;
  const now = useNow(!known && !!since && !until);
  const shown = known
    ? seconds
    : since
      ? ((until ? Date.parse(until) : now) - Date.parse(since)) / 1000
      : null;
  return <span>{durationText(shown)}</span>;
}
