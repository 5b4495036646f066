/** The view of a run, or of a flow’s graph: kept in the address a moment later, read from it on "back". */

import { useCallback, useEffect, useRef, useState } from "react";

import { useUrl } from "../../parts/url";
import { searchOf, viewOf, type RunView } from "./address";

/** Browsers allow only so many changes of the address a second. */
const CALM = 300;

export type ChangeRunView = (part: Partial<RunView>) => void;

export function useRunView(): [RunView, ChangeRunView] {
  const [search, change] = useUrl();
  const [view, setView] = useState(() => viewOf(search));
  const written = useRef(JSON.stringify(searchOf(view)));
  const timer = useRef<number | undefined>(undefined);
  const inAddress = JSON.stringify(searchOf(viewOf(search)));
  useEffect(() => {
    if (inAddress === written.current) return;
    written.current = inAddress;
    window.clearTimeout(timer.current);
    setView(viewOf(search));
    // `inAddress` stands for the words of the search that concern the view.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [inAddress]);
  const latest = useRef(view);
  useEffect(() => () => window.clearTimeout(timer.current), []);
  const alter = useCallback<ChangeRunView>(
    (part) => {
      const next = { ...latest.current, ...part };
      // Another view is a step to go back over; the rest is where one stands.
      const step = part.view !== undefined && part.view !== latest.current.view;
      latest.current = next;
      setView(next);
      const write = (): void => {
        const words = searchOf(latest.current);
        written.current = JSON.stringify(words);
        change(words, step);
      };
      window.clearTimeout(timer.current);
      timer.current = window.setTimeout(write, step ? 0 : CALM);
    },
    [change],
  );
  useEffect(() => {
    latest.current = view;
  }, [view]);
  return [view, alter];
}
