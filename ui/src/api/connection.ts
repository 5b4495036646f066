/** Whether the server answers, as the last request or stream found it. */

import { useSyncExternalStore } from "react";

let lost = false;
const listeners = new Set<() => void>();

function tell(now: boolean): void {
  if (lost === now) return;
  lost = now;
  for (const each of listeners) each();
}

/** The server answered. */
export const heard = (): void => tell(false);
/** The server did not answer. */
export const unheard = (): void => tell(true);

/** Whether the connection to the server is lost. */
export function useLost(): boolean {
  return useSyncExternalStore(
    (changed) => {
      listeners.add(changed);
      return () => listeners.delete(changed);
    },
    () => lost,
  );
}
