/** A line with ANSI colours, with what is searched for marked in it. */

import { Fragment, useMemo, type ReactNode } from "react";

import { readAnsi, type AnsiPiece } from "./ansi";
import styles from "./Ansi.module.css";

interface Props {
  text: string;
  /** A text to mark, in any case. */
  mark?: string;
}

export function Ansi({ text, mark = "" }: Props) {
  const pieces = useMemo(() => readAnsi(text), [text]);
  return pieces.map((piece, index) => (
    <span
      key={index}
      className={styles.piece}
      data-colour={piece.colour ?? undefined}
      data-background={piece.background ?? undefined}
      data-look={lookOf(piece)}
    >
      {marked(piece.text, mark)}
    </span>
  ));
}

function lookOf(piece: AnsiPiece): string | undefined {
  const looks = (["bold", "dim", "italic", "underline"] as const).filter((look) => piece[look]);
  return looks.length ? looks.join(" ") : undefined;
}

/** A text with each occurrence of a word marked. */
function marked(text: string, word: string): ReactNode {
  if (!word) return text;
  const parts: ReactNode[] = [];
  const [low, wanted] = [text.toLowerCase(), word.toLowerCase()];
  let from = 0;
  for (let at = low.indexOf(wanted); at >= 0; at = low.indexOf(wanted, from)) {
    parts.push(
      <Fragment key={at}>
        {text.slice(from, at)}
        <mark>{text.slice(at, at + word.length)}</mark>
      </Fragment>,
    );
    from = at + word.length;
  }
  return [...parts, text.slice(from)];
}
