/**
 * Where rows stand in a list too long for the browser, and of unknown heights.
 *
 * The scroll bar tells a share p of 0 to 1. The point `p × rows` of the list is then drawn at
 * `p × height` of the window. With rows of one height this is plain scrolling, with others each row
 * can still be reached, and no height has to be known before it is drawn.
 */

/** Browsers lose their way above some 17 million pixels. */
export const TALLEST = 16_000_000;

export interface Place {
  /** The row that holds the anchor. */
  row: number;
  /** How far into that row, 0 to 1. */
  into: number;
  /** The pixel of the window at which it is drawn. */
  at: number;
}

export function heightOf(count: number, rowHeight: number): number {
  return Math.min(count * rowHeight, TALLEST);
}

/** What is drawn where, when scrolled to `top` of `total` pixels in a window of `height`. */
export function placeOf(top: number, total: number, height: number, count: number): Place {
  const room = total - height;
  const share = room > 0 ? Math.min(Math.max(top / room, 0), 1) : 0;
  const point = share * count;
  const row = Math.min(Math.floor(point), Math.max(count - 1, 0));
  return { row, into: point - row, at: share * height };
}

/** How far to scroll so that the middle of a row is at the anchor. */
export function topOf(row: number, total: number, height: number, count: number): number {
  const room = total - height;
  if (room <= 0 || count <= 0) return 0;
  return ((row + 0.5) / count) * room;
}

/** The rows to draw: all that may be seen if each has at least `least` pixels, and some more. */
export function rowsAround(
  place: Place,
  height: number,
  count: number,
  least: number,
  more = 8,
): [number, number] {
  const above = Math.ceil(place.at / least) + more;
  const below = Math.ceil((height - place.at) / least) + more;
  return [Math.max(place.row - above, 0), Math.min(place.row + below + 1, count)];
}
