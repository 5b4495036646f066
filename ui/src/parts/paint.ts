/** Colours of the theme for what is drawn on a canvas, and when to draw anew. */

import { useEffect, useState } from "react";

/** A colour token as the browser computes it, for `light-dark()` means nothing to a canvas. */
export function inkOf(inside: HTMLElement, token: string): string {
  const probe = document.createElement("span");
  probe.style.color = `var(${token})`;
  inside.append(probe);
  const colour = getComputedStyle(probe).color;
  probe.remove();
  return colour;
}

/** Changes whenever the theme does. */
export function useRepaint(): number {
  const [count, setCount] = useState(0);
  useEffect(() => {
    const changed = () => setCount((before) => before + 1);
    const dark = window.matchMedia("(prefers-color-scheme: dark)");
    window.addEventListener("themechange", changed);
    dark.addEventListener("change", changed);
    return () => {
      window.removeEventListener("themechange", changed);
      dark.removeEventListener("change", changed);
    };
  }, []);
  return count;
}
