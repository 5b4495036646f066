/** Asking again for an answer, soon, however often it is said to have changed. */

import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef } from "react";

/** Returns "it changed": at most one request in so many milliseconds follows from it. */
export function useSoon(path: string, wait = 1_000): () => void {
  const client = useQueryClient();
  const timer = useRef<number | undefined>(undefined);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  return useCallback(() => {
    timer.current ??= window.setTimeout(() => {
      timer.current = undefined;
      void client.invalidateQueries({ queryKey: [path] });
    }, wait);
  }, [client, path, wait]);
}
