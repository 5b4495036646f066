/** Going to an address of ours from code. */

import { useRouter } from "@tanstack/react-router";
import { useCallback } from "react";

export function useGoing(): (to: string) => void {
  const router = useRouter();
  return useCallback((to: string) => router.history.push(to), [router]);
}
