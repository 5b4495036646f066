/** How a graph is looked at: folding, search, focus and selection, which a page may keep in its address. */

import type { GroupBy } from "./grouping";
import type { Focus } from "./reach";

export interface GraphView {
  /** What to fold by; null leaves it to the size of the graph. */
  by: GroupBy | null;
  /** Names of the groups that are unfolded. */
  open: readonly string[];
  search: string;
  /** Which of what is found is gone to, from 1, round and round; 0 while it is only typed. */
  hit: number;
  focus: Focus | null;
  selected: string | null;
  /** Whether the critical path is emphasised. */
  critical: boolean;
  /** Whether the list stands in for the drawing. */
  list: boolean;
}

export const PLAIN: GraphView = {
  by: null,
  open: [],
  search: "",
  hit: 0,
  focus: null,
  selected: null,
  critical: true,
  list: false,
};

export type ChangeView = (change: Partial<GraphView>) => void;
