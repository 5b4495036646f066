/** Values by key that tell only those who asked for a key when it changes. */

import { useCallback, useSyncExternalStore } from "react";

export class Keyed<T> {
  private readonly values = new Map<string, T>();
  private readonly listeners = new Map<string, Set<() => void>>();
  private readonly general = new Set<() => void>();
  /** Grows with each change. */
  version = 0;

  constructor(private readonly same: (a: T, b: T) => boolean = Object.is) {}

  get(key: string): T | undefined {
    return this.values.get(key);
  }

  keys(): IterableIterator<string> {
    return this.values.keys();
  }

  /** Take these values; those who listen to several of the keys are told once. */
  set(entries: Iterable<readonly [string, T]>): void {
    const told = new Set<() => void>();
    let changed = false;
    for (const [key, value] of entries) {
      const before = this.values.get(key);
      if (before !== undefined && this.same(before, value)) continue;
      this.values.set(key, value);
      changed = true;
      for (const listener of this.listeners.get(key) ?? []) told.add(listener);
    }
    if (changed) this.tell(told);
  }

  /** Forget every key that is not among these. */
  keep(keys: ReadonlySet<string>): void {
    const told = new Set<() => void>();
    const gone = [...this.values.keys()].filter((key) => !keys.has(key));
    for (const key of gone) {
      this.values.delete(key);
      for (const listener of this.listeners.get(key) ?? []) told.add(listener);
    }
    if (gone.length > 0) this.tell(told);
  }

  /** Listen to these keys; null listens to all. Returns what ends it. */
  listen(keys: readonly string[] | null, listener: () => void): () => void {
    const sets = keys === null ? [this.general] : keys.map((key) => this.listenersOf(key));
    for (const set of sets) set.add(listener);
    return () => {
      for (const set of sets) set.delete(listener);
    };
  }

  private listenersOf(key: string): Set<() => void> {
    const found = this.listeners.get(key) ?? new Set();
    this.listeners.set(key, found);
    return found;
  }

  private tell(told: Set<() => void>): void {
    this.version += 1;
    for (const listener of this.general) told.add(listener);
    for (const listener of told) listener();
  }
}

/** The value of a key; the component is drawn again when it changes, and only then. */
export function useKeyed<T>(store: Keyed<T>, key: string): T | undefined {
  const listen = useCallback((changed: () => void) => store.listen([key], changed), [store, key]);
  return useSyncExternalStore(listen, () => store.get(key));
}
