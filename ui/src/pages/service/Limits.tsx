/** Limits: how much may run at the same time. */

import { useGet } from "../../api/client";
import type { Limit } from "../../api/types";
import { Empty } from "../../parts/Empty";
import { Link } from "../../parts/Link";
import { Meter } from "../../parts/Meter";
import { runPath } from "../../paths";
import { Answered } from "./Answered";
import { ChangeLimit } from "./ChangeLimit";
import styles from "./Service.module.css";

export function Limits() {
  const answer = useGet<{ limits: Limit[] }>("/limits", undefined, { every: 5_000 });
  return (
    <Answered answer={answer}>
      {({ limits }) => (
        <>
          {limits.length === 0 && (
            <Empty title="No limit is set.">
              As much runs at the same time as its executors take. A limit holds in all runs that
              share the store.
            </Empty>
          )}
          <ul className={styles.limits}>
            {limits.map((limit) => (
              <One key={limit.name} limit={limit} />
            ))}
          </ul>
          <ChangeLimit limits={limits} />
        </>
      )}
    </Answered>
  );
}

function One({ limit }: { limit: Limit }) {
  const { slots } = limit;
  return (
    <li className={styles.limit}>
      <h2>{limit.name}</h2>
      <Meter value={slots ? limit.taken.length / slots : 0} label={`Taken of ${limit.name}`} />
      <p>
        {limit.taken.length} of {slots} taken
        {limit.origin && <span className={styles.quiet}> · set in {limit.origin}</span>}
      </p>
      {limit.taken.length > 0 && (
        <p className={styles.quiet}>
          by{" "}
          {limit.taken.map((lease, index) => (
            <span key={`${lease.run_id} ${lease.holder}`}>
              {index > 0 && ", "}
              <Link to={runPath(lease.run_id)}>{lease.holder || lease.run_id}</Link>
            </span>
          ))}
        </p>
      )}
    </li>
  );
}
