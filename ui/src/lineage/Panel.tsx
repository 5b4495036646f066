/** Beside the drawing: where a link comes from, or every link of the column that is followed. */

import type { LineageEnd } from "../api/types";
import { Button } from "../parts/Button";
import { Copy } from "../parts/Copy";
import { Link as To } from "../parts/Link";
import { datasetPath } from "../paths";
import styles from "./Lineage.module.css";
import { parted } from "./names";
import { columnText, linksAt, placeText, wordsOf, type Drawn, type Link } from "./model";

interface Props {
  drawn: Drawn;
  focus: LineageEnd;
  picked: Link | null;
  onPick: (link: Link | null) => void;
  onFollow: (end: LineageEnd) => void;
}

/** So many links are listed each way. */
const LISTED = 40;

export function Panel({ drawn, focus, picked, onPick, onFollow }: Props) {
  return (
    <aside className={styles.panel} aria-label="Evidence" aria-live="polite">
      {picked ? (
        <Picked link={picked} onBack={() => onPick(null)} onFollow={onFollow} />
      ) : (
        <AtColumn drawn={drawn} focus={focus} onPick={onPick} />
      )}
    </aside>
  );
}

function Picked({
  link,
  onBack,
  onFollow,
}: {
  link: Link;
  onBack: () => void;
  onFollow: Props["onFollow"];
}) {
  const words = wordsOf(link.kind);
  return (
    <>
      <div className={styles.panelHead}>
        <h2>Why this link</h2>
        <Button kind="quiet" icon="close" bare onClick={onBack}>
          Back to the column
        </Button>
      </div>
      <dl className={styles.facts}>
        <dt>From</dt>
        <dd>
          <End end={link.from} onFollow={onFollow} />
        </dd>
        <dt>To</dt>
        <dd>
          <End end={link.to} onFollow={onFollow} />
        </dd>
        <dt>How</dt>
        <dd data-vague={words.vague || undefined}>{words.long}</dd>
        {link.task && (
          <>
            <dt>Task</dt>
            <dd className={styles.mono}>{link.task}</dd>
          </>
        )}
      </dl>
      {link.notes.map((note) => (
        <p key={note} className={styles.note}>
          {note}
        </p>
      ))}
      <EvidenceList link={link} />
    </>
  );
}

function End({ end, onFollow }: { end: LineageEnd; onFollow: Props["onFollow"] }) {
  return (
    <>
      <To to={datasetPath(end.dataset)}>{end.dataset}</To>{" "}
      {end.column !== null && (
        <button type="button" className={styles.column} onClick={() => onFollow(end)}>
          {columnText(end.column)}
        </button>
      )}
    </>
  );
}

export function EvidenceList({ link }: { link: Link }) {
  if (link.evidence.length === 0)
    return <p className={styles.quiet}>No place in the code says so.</p>;
  return (
    <ul className={styles.evidence} aria-label="Where it is written">
      {link.evidence.map((piece, at) => (
        <li key={at}>
          {placeText(piece) && (
            <span className={styles.where}>
              <code>{placeText(piece)}</code>
              <Copy text={placeText(piece)} label="Copy place" bare />
            </span>
          )}
          <span className={piece.source === "sql" ? styles.sql : styles.said}>{piece.text}</span>
        </li>
      ))}
    </ul>
  );
}

function AtColumn({ drawn, focus, onPick }: Pick<Props, "drawn" | "focus" | "onPick">) {
  const { up, down } = linksAt(drawn.links, focus);
  const why = drawn.unknown.get(focus.dataset);
  return (
    <>
      <h2 className={styles.subject} title={focus.dataset}>
        {focus.column === null ? parted(focus.dataset).last : columnText(focus.column)}
      </h2>
      {focus.column === null && (
        <p className={styles.quiet}>Point at a column to light its path, choose it to follow it.</p>
      )}
      {why && <p className={styles.note}>Not all is known here: {why}</p>}
      <Listed
        title="Fed by"
        links={up}
        end="from"
        both={focus.column === null}
        onPick={onPick}
        none="Nothing that is drawn feeds it."
      />
      <Listed
        title="Feeds"
        links={down}
        end="to"
        both={focus.column === null}
        onPick={onPick}
        none="Nothing that is drawn is made of it."
      />
    </>
  );
}

interface ListedProps {
  title: string;
  links: readonly Link[];
  end: "from" | "to";
  /** Whether all columns of a dataset are meant: each link then names both ends. */
  both: boolean;
  onPick: Props["onPick"];
  none: string;
}

function Listed({ title, links, end, both, onPick, none }: ListedProps) {
  const listed = [...grouped(links.slice(0, LISTED), end)];
  return (
    <section className={styles.listed} aria-label={title}>
      <h3>{title}</h3>
      {links.length === 0 && <p className={styles.quiet}>{none}</p>}
      <ul>
        {listed.map(([dataset, own]) => (
          <li key={dataset}>
            <p className={styles.of}>{dataset}</p>
            <ul>
              {own.map((link) => (
                <li key={link.id}>
                  <button type="button" onClick={() => onPick(link)}>
                    <b>
                      {both
                        ? `${columnText(link.from.column)} → ${columnText(link.to.column)}`
                        : columnText(link[end].column)}
                    </b>
                    <span className={styles.quiet}>{wordsOf(link.kind).short}</span>
                  </button>
                </li>
              ))}
            </ul>
          </li>
        ))}
      </ul>
      {links.length > LISTED && (
        <p className={styles.quiet}>and {links.length - LISTED} more, in the table</p>
      )}
    </section>
  );
}

function grouped(links: readonly Link[], end: "from" | "to"): Map<string, Link[]> {
  const found = new Map<string, Link[]>();
  for (const link of links)
    found.set(link[end].dataset, [...(found.get(link[end].dataset) ?? []), link]);
  return found;
}
