/** The elements of mapped tasks (`load[3]`), and the task each belongs to. */

const ELEMENT = /^(.*)\[\d+\]$/s;

/** The task that an element belongs to; null for a key that is no element of a task known here. */
export function parentOf(key: string, known: (key: string) => boolean): string | null {
  let found: string | null = null;
  for (let match = ELEMENT.exec(key); match?.[1]; match = ELEMENT.exec(match[1])) {
    if (known(match[1])) found = match[1];
  }
  return found;
}

/** Elements by the outermost task they belong to, in the order given. */
export function elementsByParent(keys: readonly string[]): Map<string, string[]> {
  const known = new Set(keys);
  const found = new Map<string, string[]>();
  for (const key of keys) {
    const parent = parentOf(key, (each) => known.has(each));
    if (parent === null) continue;
    const list = found.get(parent);
    if (list) list.push(key);
    else found.set(parent, [key]);
  }
  return found;
}
