/** The columns of the notifications. */

import type { Notification } from "../../api/types";
import { Button } from "../../parts/Button";
import { Link } from "../../parts/Link";
import type { TableColumn } from "../../parts/Table";
import { Time } from "../../parts/Time";
import { runPath } from "../../paths";
import styles from "./Service.module.css";

const WORDS = { pending: "Waiting", sent: "Sent", dead: "Given up" } as const;

export function notificationColumns(retry: (id: number) => void): TableColumn<Notification>[] {
  return [
    {
      id: "state",
      title: "State",
      width: "6.5rem",
      sort: (each) => each.state,
      cell: (each) => (
        <span className={styles.delivery} data-state={each.state}>
          {WORDS[each.state] ?? each.state}
        </span>
      ),
    },
    {
      id: "kind",
      title: "About",
      width: "minmax(7rem, 1.2fr)",
      sort: (each) => each.kind,
      cell: (each) =>
        each.run_id ? <Link to={runPath(each.run_id)}>{each.kind}</Link> : each.kind,
    },
    {
      id: "target",
      title: "To",
      width: "minmax(6rem, 1fr)",
      wide: true,
      sort: (each) => each.target,
      cell: (each) => each.target,
    },
    {
      id: "created",
      title: "Made",
      width: "7rem",
      wide: true,
      sort: (each) => each.created,
      cell: (each) => <Time at={each.created} />,
    },
    {
      id: "attempts",
      title: "Tries",
      width: "4rem",
      align: "end",
      wide: true,
      sort: (each) => each.attempts,
      cell: (each) => each.attempts,
    },
    {
      id: "error",
      title: "Last error",
      width: "minmax(8rem, 2.5fr)",
      wide: true,
      cell: (each) => <span title={each.error ?? undefined}>{each.error ?? "–"}</span>,
    },
    {
      id: "retry",
      title: "Act",
      width: "7rem",
      align: "end",
      cell: (each) =>
        each.state === "dead" && (
          <Button icon="retrying" onClick={() => retry(each.id)}>
            Retry<span className="unseen"> notification {each.id}</span>
          </Button>
        ),
    },
  ];
}
