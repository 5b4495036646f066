/** Drawing graphs: what other pages may use of this folder. */

export { newBoard, type Board, type Standing } from "./board";
export { layOut, useLayout } from "./layout";
export {
  GraphIndex,
  shownName,
  type Evidence,
  type GraphData,
  type GraphEdge,
  type GraphNode,
  type Positions,
} from "./model";
export { PLAIN, type ChangeView, type GraphView } from "./view";
export { Graph, type GraphProps } from "./Graph";
