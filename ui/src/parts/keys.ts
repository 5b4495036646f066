/** Keyboard shortcuts: pages say what keys do, and the help dialog lists what holds just now. */

import { useEffect, useRef, useSyncExternalStore } from "react";

export interface Shortcut {
  /** One key, or two pressed one after the other: "r", "g h". */
  keys: string;
  title: string;
  act: () => void;
}

let known: readonly Shortcut[] = [];
const listeners = new Set<() => void>();
let begun = "";
let begunAt = 0;
const PATIENCE = 1200;

function change(to: readonly Shortcut[]): void {
  known = to;
  for (const each of listeners) each();
}

/** Whether a key belongs to a field or to a dialog rather than to the page. */
function taken(target: EventTarget | null): boolean {
  const at = target instanceof Element ? target : null;
  return !!at?.closest("input, textarea, select, [contenteditable=true], dialog");
}

function pressed(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (taken(event.target)) return;
  const now = performance.now();
  const both = now - begunAt < PATIENCE ? `${begun} ${event.key}` : "";
  const found = known.findLast((each) => each.keys === both || each.keys === event.key);
  begun = found ? "" : event.key;
  begunAt = now;
  if (!found) return;
  event.preventDefault();
  found.act();
}

/** Make shortcuts hold while a component is shown; the latest shown wins. */
export function useKeys(shortcuts: readonly Shortcut[]): void {
  const latest = useRef(shortcuts);
  useEffect(() => {
    latest.current = shortcuts;
  });
  const named = shortcuts.map((each) => `${each.keys}\n${each.title}`).join("\n\n");
  useEffect(() => {
    const mine = named
      .split("\n\n")
      .filter(Boolean)
      .map((text, index) => {
        const [keys = "", title = ""] = text.split("\n");
        return { keys, title, act: () => latest.current[index]?.act() };
      });
    if (known.length === 0) window.addEventListener("keydown", pressed);
    change([...known, ...mine]);
    return () => {
      change(known.filter((each) => !mine.includes(each)));
      if (known.length === 0) window.removeEventListener("keydown", pressed);
    };
  }, [named]);
}

/** All shortcuts that hold now. */
export function useShortcuts(): readonly Shortcut[] {
  return useSyncExternalStore(
    (changed) => {
      listeners.add(changed);
      return () => listeners.delete(changed);
    },
    () => known,
  );
}
