/** Whether the window is as narrow as a phone. */

import { useSyncExternalStore } from "react";

const QUERY = "(width < 720px)";

function listen(changed: () => void): () => void {
  const query = window.matchMedia(QUERY);
  query.addEventListener("change", changed);
  return () => query.removeEventListener("change", changed);
}

export function useNarrow(): boolean {
  return useSyncExternalStore(listen, () => window.matchMedia(QUERY).matches);
}
