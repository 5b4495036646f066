/** Who writes a dataset and who reads it, each with the place that says so. */

import type { DatasetUser, WholeDataset } from "../../api/types";
import { placeText } from "../../lineage/model";
import { Link } from "../../parts/Link";
import { flowPath } from "../../paths";
import styles from "./Dataset.module.css";

export function Uses({ dataset }: { dataset: WholeDataset }) {
  return (
    <div className={styles.uses}>
      <Users
        title="Written by"
        users={dataset.writers}
        none="No task of this project writes it: it comes from outside."
      />
      <Users
        title="Read by"
        users={dataset.readers}
        none="No task of this project reads it: it is an end."
      />
    </div>
  );
}

function Users({
  title,
  users,
  none,
}: {
  title: string;
  users: readonly DatasetUser[];
  none: string;
}) {
  return (
    <section aria-label={title}>
      <h2>{title}</h2>
      {users.length === 0 && <p className={styles.quiet}>{none}</p>}
      <ul className={styles.users}>
        {users.map((user) => (
          <li key={`${user.flow} ${user.key}`}>
            <p>
              <b>{user.name}</b>
              {user.flow && (
                <span className={styles.quiet}>
                  {" "}
                  in <Link to={flowPath(user.flow)}>{user.flow}</Link>
                </span>
              )}
            </p>
            <ul>
              {user.evidence.map((piece, at) => (
                <li key={at} className={styles.evidence}>
                  {placeText(piece) && <code>{placeText(piece)}</code>}
                  <span className={styles.quiet}>{piece.text}</span>
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ul>
    </section>
  );
}
