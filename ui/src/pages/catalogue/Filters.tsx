/** What the catalogue is narrowed by: words, layer, kind, freshness, tests. */

import { useEffect, useMemo, useRef, useState } from "react";

import type { DatasetRow } from "../../api/types";
import { Button } from "../../parts/Button";
import { Field } from "../../parts/Field";
import { numberText } from "../../parts/formats";
import type { useUrl } from "../../parts/url";
import styles from "./Catalogue.module.css";
import { CLEARED, counted, type Choice } from "./choosing";

/** Milliseconds after the last letter until the address is told of it. */
const PAUSE = 200;

interface FiltersProps {
  rows: readonly DatasetRow[];
  choice: Choice;
  change: ReturnType<typeof useUrl>[1];
}

export function Filters({ rows, choice, change }: FiltersProps) {
  const layers = useMemo(() => counted(rows.map((row) => row.layer)), [rows]);
  const kinds = useMemo(() => counted(rows.map((row) => row.kind)), [rows]);
  const asked = choice.words || choice.layers[0] || choice.kinds[0] || choice.fresh || choice.tests;
  return (
    <form
      className={styles.filters}
      role="search"
      aria-label="Datasets"
      onSubmit={(event) => event.preventDefault()}
    >
      <Words words={choice.words} onWords={(words) => change({ search: words })} />
      <Pick
        label="Layer"
        value={choice.layers[0]}
        options={layers}
        onPick={(layer) => change({ layer })}
      />
      <Pick
        label="Kind"
        value={choice.kinds[0]}
        options={kinds}
        onPick={(kind) => change({ kind })}
      />
      <Pick
        label="Freshness"
        value={choice.fresh}
        options={FRESH}
        onPick={(fresh) => change({ fresh })}
      />
      <Pick
        label="Tests"
        value={choice.tests}
        options={TESTS}
        onPick={(tests) => change({ tests })}
      />
      {asked && (
        <Button kind="quiet" icon="close" onClick={() => change(CLEARED)}>
          Clear
        </Button>
      )}
    </form>
  );
}

const FRESH: Option[] = [
  ["fresh", "on time"],
  ["stale", "too old"],
  ["unknown", "not known"],
];
const TESTS: Option[] = [
  ["failing", "failing"],
  ["passing", "all passed"],
  ["unknown", "not run"],
  ["none", "none"],
];

/** The search field keeps its letters; the address follows when the typing pauses. */
function Words({ words, onWords }: { words: string; onWords: (words: string) => void }) {
  const [typed, type] = useState(words);
  const told = useRef(words);
  useEffect(() => {
    if (words !== told.current) {
      told.current = words;
      type(words);
    }
  }, [words]);
  useEffect(() => {
    if (typed === told.current) return;
    const timer = window.setTimeout(() => {
      told.current = typed;
      onWords(typed);
    }, PAUSE);
    return () => window.clearTimeout(timer);
  }, [typed, onWords]);
  return (
    <Field label="Search">
      {(wired) => (
        <input
          {...wired}
          type="search"
          className={styles.search}
          placeholder="Name or description"
          value={typed}
          autoComplete="off"
          spellCheck={false}
          onChange={(event) => type(event.target.value)}
        />
      )}
    </Field>
  );
}

type Option = [value: string, said: string | number];

interface PickProps {
  label: string;
  value: string | undefined;
  options: Option[];
  onPick: (value: string | undefined) => void;
}

function Pick({ label, value, options, onPick }: PickProps) {
  return (
    <Field label={label}>
      {(wired) => (
        <select
          {...wired}
          value={value ?? ""}
          onChange={(event) => onPick(event.target.value || undefined)}
        >
          <option value="">all</option>
          {options.map(([name, said]) => (
            <option key={name} value={name}>
              {typeof said === "number" ? `${name} (${numberText(said)})` : said}
            </option>
          ))}
        </select>
      )}
    </Field>
  );
}
