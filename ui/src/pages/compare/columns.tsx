/** The columns of the tasks of two runs. */

import type { ComparedTask } from "../../api/types";
import { Button } from "../../parts/Button";
import { Duration } from "../../parts/Duration";
import { numberText } from "../../parts/formats";
import { State } from "../../parts/State";
import type { TableColumn } from "../../parts/Table";
import styles from "./Compare.module.css";
import { changeText, findingsOf, ratioText } from "./findings";

export function columns(
  narrow: boolean,
  onSql: (key: string) => void,
): TableColumn<ComparedTask>[] {
  return [
    {
      id: "task",
      title: "Task",
      width: "minmax(6rem, 3fr)",
      sort: (task) => task.name,
      cell: (task) => <span title={task.key}>{task.name}</span>,
    },
    {
      id: "state",
      title: "State",
      width: narrow ? "4.6rem" : "minmax(7rem, 15rem)",
      cell: ({ a, b }) => (
        <span className={styles.states}>
          {a ? (
            <State state={a.state} bare={narrow} />
          ) : (
            <span className={styles.message}>{narrow ? "none" : "not in it"}</span>
          )}
          {a?.state !== b?.state && (
            <>
              <span aria-label="then">→</span>
              {b ? (
                <State state={b.state} bare={narrow} />
              ) : (
                <span className={styles.message}>{narrow ? "none" : "not in it"}</span>
              )}
            </>
          )}
        </span>
      ),
    },
    {
      id: "first",
      title: "First",
      width: "6rem",
      align: "end",
      wide: true,
      sort: (task) => task.a?.seconds,
      cell: (task) => <Duration seconds={task.a?.seconds ?? null} />,
    },
    {
      id: "second",
      title: "Second",
      width: "6rem",
      align: "end",
      wide: true,
      sort: (task) => task.b?.seconds,
      cell: (task) => <Duration seconds={task.b?.seconds ?? null} />,
    },
    {
      id: "ratio",
      title: "Ratio",
      width: "3.2rem",
      align: "end",
      sort: (task) => task.seconds_ratio,
      cell: (task) => {
        const found = findingsOf(task);
        const pace = found.includes("slower") ? "slower" : found.includes("faster") ? "faster" : "";
        return (
          <span className={styles.pace} data-pace={pace || undefined} title={pace || undefined}>
            {ratioText(task.seconds_ratio)}
          </span>
        );
      },
    },
    {
      id: "rows",
      title: "Rows",
      width: "6.5rem",
      align: "end",
      wide: true,
      sort: (task) => task.b?.rows,
      cell: (task) => numberText(task.b?.rows ?? null),
    },
    {
      id: "change",
      title: "Change",
      width: "6rem",
      align: "end",
      wide: true,
      sort: (task) => task.rows_change,
      cell: (task) => changeText(task.rows_change),
    },
    {
      id: "sql",
      title: "SQL",
      width: "4.2rem",
      align: "end",
      cell: (task) =>
        task.sql_diff ? (
          <Button onClick={() => onSql(task.key)}>
            Diff<span className="unseen"> of {task.name}</span>
          </Button>
        ) : (
          <span className={styles.message}>{task.sql_changed === false ? "same" : "–"}</span>
        ),
    },
  ];
}
