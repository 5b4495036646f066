/** An instant in the zone of whoever looks, with UTC on hover. */

import { useNow } from "./clock";
import { distanceText, localText, utcText } from "./formats";

interface Props {
  at: string | null | undefined;
  /** "4 min ago" rather than the clock. */
  distance?: boolean;
  seconds?: boolean;
}

export function Time({ at, distance = false, seconds = false }: Props) {
  const now = new Date(useNow(distance));
  if (!at) return <span>–</span>;
  return (
    <time
      dateTime={at}
      title={distance ? `${localText(at, now, true)} · ${utcText(at)}` : utcText(at)}
    >
      {distance ? distanceText(at, now) : localText(at, now, seconds)}
    </time>
  );
}
