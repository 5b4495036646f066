/** The links as a table: the same as the drawing, for reading, searching and screen readers. */

import type { LineageEnd } from "../api/types";
import styles from "./Lineage.module.css";
import { columnText, placeText, wordsOf, type Link } from "./model";

interface Props {
  links: readonly Link[];
  onFollow: (end: LineageEnd) => void;
}

/** So many links are listed. */
const MOST = 1000;

export function LinkTable({ links, onFollow }: Props) {
  return (
    <div className={styles.tableBox} role="region" aria-label="Links" tabIndex={0}>
      <table className={styles.table}>
        <caption className="unseen">
          Which column feeds which, through which task, and where that is written
        </caption>
        <thead>
          <tr>
            <th scope="col">From</th>
            <th scope="col">To</th>
            <th scope="col">How</th>
            <th scope="col">Task</th>
            <th scope="col">Evidence</th>
          </tr>
        </thead>
        <tbody>
          {links.slice(0, MOST).map((link) => (
            <tr key={link.id}>
              <Cell end={link.from} onFollow={onFollow} />
              <Cell end={link.to} onFollow={onFollow} />
              <td>{wordsOf(link.kind).short}</td>
              <td className={styles.mono}>{link.task ?? "–"}</td>
              <td>
                {link.evidence.map((piece, at) => (
                  <div key={at} title={piece.text}>
                    <code>{placeText(piece) || piece.text}</code>
                  </div>
                ))}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {links.length > MOST && (
        <p className={styles.quiet}>
          and {links.length - MOST} more: follow a column, or look fewer steps
        </p>
      )}
    </div>
  );
}

function Cell({ end, onFollow }: { end: LineageEnd; onFollow: Props["onFollow"] }) {
  return (
    <td>
      <span className={styles.quiet}>{end.dataset}</span>
      <br />
      <button type="button" className={styles.column} onClick={() => onFollow(end)}>
        {columnText(end.column)}
        <span className="unseen"> of {end.dataset}</span>
      </button>
    </td>
  );
}
