/** The five places of the main navigation. */

import type { IconName } from "../parts/icons";

export interface Place {
  title: string;
  to: string;
  icon: IconName;
  keys: string;
  /** Whether an address belongs to this place. */
  holds: (path: string) => boolean;
}

const below =
  (...starts: string[]) =>
  (path: string): boolean =>
    starts.some((start) => path === start || path.startsWith(`${start}/`));

export const PLACES: readonly Place[] = [
  { title: "Home", to: "/", icon: "home", keys: "g h", holds: (path) => path === "/" },
  { title: "Runs", to: "/runs", icon: "runs", keys: "g r", holds: below("/runs") },
  { title: "Flows", to: "/flows", icon: "flows", keys: "g f", holds: below("/flows") },
  {
    title: "Catalogue",
    to: "/catalogue",
    icon: "catalogue",
    keys: "g c",
    holds: below("/catalogue", "/dataset"),
  },
  { title: "Service", to: "/service", icon: "service", keys: "g s", holds: below("/service") },
];
