/** A shown state (dbt's warnings among them) as the mark every page uses. */

import type { JSX } from "react";

import { State } from "../parts/State";

export function Standing({ state, bare }: { state: string; bare?: boolean }): JSX.Element {
  return state === "Warned" ? (
    <State state="Success" status="warn" bare={bare} />
  ) : (
    <State state={state} bare={bare} />
  );
}
