/** Where an arrow key leads from one row of the drawing. */

import type { Drawn } from "./model";
import { endOf, portOf } from "./model";
import type { Rows } from "./rows";

/** Ports of a box from top to bottom: its heading, then its rows. */
export function portsOf(name: string, rows: Rows | undefined): string[] {
  return [portOf({ dataset: name, column: null }), ...(rows?.shown ?? [])];
}

/**
 * The port that a key leads to, or null if it leads nowhere.
 *
 * Up and down stay in the box; left and right follow a link, or find any link of the box.
 */
export function stepped(
  drawn: Drawn,
  rows: ReadonlyMap<string, Rows>,
  port: string,
  key: string,
): string | null {
  const { dataset } = endOf(port);
  const ports = portsOf(dataset, rows.get(dataset));
  const at = Math.max(0, ports.indexOf(port));
  if (key === "ArrowDown") return ports[at + 1] ?? null;
  if (key === "ArrowUp") return at > 0 ? ports[at - 1]! : null;
  if (key === "Home") return ports[0] ?? null;
  if (key === "End") return ports.at(-1) ?? null;
  if (key === "ArrowLeft") return across(drawn, rows, port, "up");
  if (key === "ArrowRight") return across(drawn, rows, port, "down");
  return null;
}

function across(
  drawn: Drawn,
  rows: ReadonlyMap<string, Rows>,
  port: string,
  way: "up" | "down",
): string | null {
  const { dataset } = endOf(port);
  const ends = drawn.links.map(({ from, to }) =>
    way === "up" ? { near: to, far: from } : { near: from, far: to },
  );
  const own = ends.find(({ near }) => portOf(near) === port);
  const next =
    own ?? ends.find(({ near, far }) => near.dataset === dataset && far.dataset !== dataset);
  if (!next) return null;
  const far = portOf(next.far);
  const shown = rows.get(next.far.dataset)?.shown.includes(far);
  return shown ? far : portOf({ dataset: next.far.dataset, column: null });
}
