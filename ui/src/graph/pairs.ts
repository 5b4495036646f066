/** Pairs of keys that came before; asked for each edge of a graph, so it makes no text of them. */

export class Pairs {
  private readonly known = new Map<string, Set<string>>();

  /** Whether this pair is new; from now on it is not. */
  add(from: string, to: string): boolean {
    const after = this.known.get(from);
    if (!after) this.known.set(from, new Set([to]));
    else if (after.has(to)) return false;
    else after.add(to);
    return true;
  }
}
