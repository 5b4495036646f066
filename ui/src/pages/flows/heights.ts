/** Heights of the bars of a small chart, between 0 and 1. */

const LEAST = 0.08;

/** Also the least is seen; what is not known is drawn as the least. */
export function heights(values: readonly (number | null)[]): number[] {
  const most = Math.max(...values.map((value) => value ?? 0), 0);
  return values.map((value) => (most > 0 ? Math.max((value ?? 0) / most, LEAST) : LEAST));
}
