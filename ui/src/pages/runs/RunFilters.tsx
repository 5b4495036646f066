/** Filters of the list of runs: flow, states, days. */

import { useGet } from "../../api/client";
import type { Flow } from "../../api/types";
import { Button } from "../../parts/Button";
import { Field } from "../../parts/Field";
import { useNarrow } from "../../parts/narrow";
import type { Search } from "../../parts/url";
import { isFiltered, STATES, type Filters } from "./filters";
import styles from "./Runs.module.css";

interface Props {
  filters: Filters;
  onChange: (patch: Search) => void;
}

export function RunFilters({ filters, onChange }: Props) {
  const narrow = useNarrow();
  if (!narrow) return <Fields filters={filters} onChange={onChange} />;
  return (
    <details className={styles.fold}>
      <summary>{isFiltered(filters) ? "Filters (some are on)" : "Filters"}</summary>
      <Fields filters={filters} onChange={onChange} />
    </details>
  );
}

function Fields({ filters, onChange }: Props) {
  const flows = useGet<{ flows: Flow[] }>("/flows", undefined, { fresh: 60_000 }).data?.flows ?? [];
  const names = [...new Set([...flows.map((flow) => flow.name), filters.flow])].filter(Boolean);
  const toggle = (state: string): void => {
    const without = filters.states.filter((each) => each !== state);
    const on = without.length === filters.states.length;
    onChange({ state: on ? [...filters.states, state] : without });
  };
  return (
    <div className={styles.filters} role="search" aria-label="Filter runs">
      <Field label="Flow" inline>
        {(wired) => (
          <select
            {...wired}
            value={filters.flow}
            onChange={(event) => onChange({ flow: event.target.value })}
          >
            <option value="">All</option>
            {names.sort().map((name) => (
              <option key={name}>{name}</option>
            ))}
          </select>
        )}
      </Field>
      <fieldset className={styles.states}>
        <legend className="unseen">States</legend>
        {[...new Set([...STATES, ...filters.states])].map((state) => (
          <label key={state}>
            <input
              type="checkbox"
              checked={filters.states.includes(state)}
              onChange={() => toggle(state)}
            />
            {state}
          </label>
        ))}
      </fieldset>
      <div className={styles.days}>
        <Field label="From" inline>
          {(wired) => (
            <input
              {...wired}
              type="date"
              value={filters.since}
              max={filters.until || undefined}
              onChange={(event) => onChange({ since: event.target.value })}
            />
          )}
        </Field>
        <Field label="To" inline>
          {(wired) => (
            <input
              {...wired}
              type="date"
              value={filters.until}
              min={filters.since || undefined}
              onChange={(event) => onChange({ until: event.target.value })}
            />
          )}
        </Field>
      </div>
      {isFiltered(filters) && (
        <Button
          kind="quiet"
          icon="close"
          onClick={() => onChange({ flow: "", state: [], since: "", until: "" })}
        >
          Clear
        </Button>
      )}
    </div>
  );
}
