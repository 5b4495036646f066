/** The tasks before or after a task, and what says so: files with lines. */

import type { Edge } from "../../api/types";
import { Copy } from "../../parts/Copy";
import { Link } from "../../parts/Link";
import { State } from "../../parts/State";
import { datasetPath, taskPath } from "../../paths";
import styles from "./TaskPage.module.css";

interface Props {
  run: string;
  title: string;
  end: "upstream" | "downstream";
  edges: (Edge & { state: string | null })[];
  nameOf: (key: string) => string;
  nothing: string;
  /** Whether the evidence is shown at once. */
  open: boolean;
}

export function EdgeList({ run, title, end, edges, nameOf, nothing, open }: Props) {
  return (
    <section className={styles.edges}>
      <h3>
        {title} <span className={styles.count}>{edges.length}</span>
      </h3>
      {edges.length === 0 && <p className={styles.quiet}>{nothing}</p>}
      <ul>
        {edges.map((edge) => (
          <li key={`${edge[end]} ${edge.dataset ?? ""}`}>
            <div className={styles.edge}>
              {edge.state && <State state={edge.state} bare />}
              <Link to={taskPath(run, edge[end])}>{nameOf(edge[end])}</Link>
              {edge.dataset && (
                <span className={styles.by}>
                  by <Link to={datasetPath(edge.dataset)}>{edge.dataset}</Link>
                </span>
              )}
            </div>
            {edge.evidence.length > 0 && (
              <details open={open}>
                <summary>
                  {edge.evidence.length === 1
                    ? "What says so"
                    : `What says so: ${edge.evidence.length} places`}
                </summary>
                <ul className={styles.evidence}>
                  {edge.evidence.map((piece, index) => (
                    <li key={index}>
                      {piece.file && (
                        <span className={styles.file}>
                          <code>{piece.line ? `${piece.file}:${piece.line}` : piece.file}</code>
                          <Copy
                            text={piece.line ? `${piece.file}:${piece.line}` : piece.file}
                            label="Copy path"
                            bare
                          />
                        </span>
                      )}
                      <span>{piece.text || piece.source}</span>
                    </li>
                  ))}
                </ul>
              </details>
            )}
          </li>
        ))}
      </ul>
    </section>
  );
}
