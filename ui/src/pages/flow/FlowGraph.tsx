/** The graph of a flow as a run would go through it now. */

import { useMemo, useState } from "react";

import { useGet } from "../../api/client";
import type { Edge, Run } from "../../api/types";
import { Graph, newBoard, type GraphData } from "../../graph";
import { Empty } from "../../parts/Empty";
import { countText } from "../../parts/formats";
import { Problem } from "../../parts/Problem";
import { Section } from "../../parts/Section";
import { useGoing } from "../../parts/useGoing";
import { taskPath } from "../../paths";
import { useRunView } from "../run/useRunView";
import styles from "./FlowPage.module.css";

interface Plan {
  tasks: {
    key: string;
    name: string;
    resource_type: string;
    path: string | null;
    tags: string[];
    reads: string[];
    writes: string[];
  }[];
  edges: Edge[];
  left_out: { key: string; reason: string }[];
}

export default function FlowGraph({ flow, lastRun }: { flow: string; lastRun: Run | null }) {
  const found = useGet<Plan>(`/flows/${encodeURIComponent(flow)}/plan`);
  const [view, setView] = useRunView();
  const [board] = useState(() => newBoard());
  const going = useGoing();
  const data = useMemo(() => (found.data ? dataOf(found.data) : null), [found.data]);
  return (
    <Section title="Graph" aside={data ? countText(data.nodes.length, "task") : undefined}>
      {found.error && <Problem error={found.error} />}
      {data?.nodes.length === 0 && <Empty title="No tasks">The flow calls no task yet.</Empty>}
      {data && data.nodes.length > 0 && (
        <div className={styles.graph}>
          <Graph
            data={data}
            board={board}
            view={view}
            onView={setView}
            onOpen={(key) => lastRun && going(taskPath(lastRun.run_id, key))}
            label={`Graph of ${flow}`}
          />
        </div>
      )}
    </Section>
  );
}

function dataOf(plan: Plan): GraphData {
  const nodes = plan.tasks.map((task) => ({
    ...task,
    folder: task.path?.split("/").slice(0, -1).join("/") || null,
  }));
  return { nodes, edges: plan.edges };
}
