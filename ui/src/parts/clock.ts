/** One ticking clock for the whole page, running only while somebody reads it. */

import { useSyncExternalStore } from "react";

let now = Date.now();
let timer: number | undefined;
const listeners = new Set<() => void>();

function listen(changed: () => void): () => void {
  listeners.add(changed);
  now = Date.now();
  timer ??= window.setInterval(() => {
    now = Date.now();
    for (const each of listeners) each();
  }, 1000);
  return () => {
    listeners.delete(changed);
    if (listeners.size === 0) {
      window.clearInterval(timer);
      timer = undefined;
    }
  };
}

const still = () => () => {};

/** Milliseconds since 1970, renewed each second while `ticking`. */
export function useNow(ticking = true): number {
  return useSyncExternalStore(ticking ? listen : still, () => now);
}
