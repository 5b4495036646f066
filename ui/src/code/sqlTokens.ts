/** SQL as lines of coloured words, read by the lezer grammar; loaded only where SQL is shown. */

import { PostgreSQL, SQLDialect } from "@codemirror/lang-sql";
import { classHighlighter, highlightTree } from "@lezer/highlight";

export interface SqlToken {
  text: string;
  /** keyword, string, number, comment, typeName, operator, … or null. */
  kind: string | null;
}

const more =
  "qualify pivot unpivot asof anti semi positional exclude ilike sample summarize describe macro attach struct";
const dialect = SQLDialect.define({
  ...PostgreSQL.spec,
  keywords: `${PostgreSQL.spec.keywords ?? ""} ${more}`,
});

/** Longer texts stay uncoloured; reading them would hold the page up. */
const LONGEST = 400_000;

export function sqlLines(text: string): SqlToken[][] {
  const lines: SqlToken[][] = [[]];
  let reached = 0;
  if (text.length <= LONGEST) {
    highlightTree(dialect.language.parser.parse(text), classHighlighter, (from, to, classes) => {
      add(lines, text.slice(reached, from), null);
      add(lines, text.slice(from, to), kindOf(classes));
      reached = to;
    });
  }
  add(lines, text.slice(reached), null);
  return lines;
}

function kindOf(classes: string): string {
  return classes.split(" ")[0]?.replace(/^tok-/, "") ?? "";
}

function add(lines: SqlToken[][], text: string, kind: string | null): void {
  text.split("\n").forEach((part, index) => {
    if (index > 0) lines.push([]);
    if (part) lines.at(-1)?.push({ text: part, kind });
  });
}
