/** What a page shows lives in its address, so that a link shows a colleague the same. */

import { useNavigate, useSearch } from "@tanstack/react-router";
import { useCallback } from "react";

export type Search = Record<string, string | string[] | undefined>;

/** The words after "?": always text; a name given more than once is a list. */
export function parseSearch(text: string): Search {
  const found: Search = {};
  const words = new URLSearchParams(text);
  for (const name of new Set(words.keys())) {
    const values = words.getAll(name);
    found[name] = values.length > 1 ? values : values[0];
  }
  return found;
}

/** The reverse of `parseSearch`; nothing and "" are left out. */
export function searchText(search: Record<string, unknown>): string {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(search)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== undefined && each !== null && each !== "") words.append(name, String(each));
    }
  }
  const text = words.toString();
  return text ? `?${text}` : "";
}

export const one = (value: string | string[] | undefined): string =>
  (Array.isArray(value) ? value[0] : value) ?? "";

export const many = (value: string | string[] | undefined): string[] =>
  value === undefined ? [] : Array.isArray(value) ? value : [value];

/** The page's search words, and a way to change some; `push` makes a step to go back over. */
export function useUrl(): [Search, (patch: Search, push?: boolean) => void] {
  const search = useSearch({ strict: false }) as Search;
  const navigate = useNavigate();
  const change = useCallback(
    (patch: Search, push = false) => {
      void navigate({
        to: ".",
        search: ((before: Search) => ({ ...before, ...patch })) as never,
        replace: !push,
        resetScroll: false,
      });
    },
    [navigate],
  );
  return [search, change];
}
