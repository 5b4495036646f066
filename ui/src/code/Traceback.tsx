/** A Python traceback: own frames stressed, those of libraries folded. */

import { useMemo, type ReactNode } from "react";

import { Copy } from "../parts/Copy";
import { dedent, readTraceback, type Frame, type Piece } from "./traceback";
import frame from "./Frame.module.css";
import styles from "./Traceback.module.css";

interface Props {
  text: string;
  title?: ReactNode;
}

export function Traceback({ text, title = "Traceback" }: Props) {
  const pieces = useMemo(() => readTraceback(text), [text]);
  return (
    <figure className={`${frame.view} ${styles.view}`}>
      <figcaption className={frame.head}>
        <span className={`${frame.title} ${styles.title}`}>{title}</span>
        <Copy text={text} label="Copy" />
      </figcaption>
      <div className={styles.body} tabIndex={0} role="region" aria-label="Traceback text">
        {pieces.map((piece, index) => (
          <Shown key={index} piece={piece} />
        ))}
      </div>
    </figure>
  );
}

function Shown({ piece }: { piece: Piece }) {
  if (piece.kind === "own") return <OneFrame frame={piece.frame} />;
  if (piece.kind === "error") return <pre className={styles.error}>{piece.text}</pre>;
  if (piece.kind === "words") return <p className={styles.words}>{piece.text}</p>;
  const names = [...new Set(piece.frames.map((frame) => packageOf(frame.file)))];
  return (
    <details className={styles.foreign}>
      <summary>
        {piece.frames.length === 1 ? "1 frame" : `${piece.frames.length} frames`} in{" "}
        {names.join(", ")}
      </summary>
      {piece.frames.map((frame, index) => (
        <OneFrame key={index} frame={frame} />
      ))}
    </details>
  );
}

function OneFrame({ frame }: { frame: Frame }) {
  return (
    <div className={styles.frame} data-own={frame.own || undefined}>
      <p className={styles.where}>
        <code>
          {frame.file}:{frame.line}
        </code>
        {frame.function && <span> in {frame.function}</span>}
      </p>
      {frame.source.length > 0 && <pre>{dedent(frame.source).join("\n")}</pre>}
    </div>
  );
}

function packageOf(file: string): string {
  return (
    /(?:site|dist)-packages[\\/]([^\\/]+)/.exec(file)?.[1]?.replace(/\.py$/, "") ??
    /[\\/](orchestrator)[\\/]/.exec(file)?.[1] ??
    "Python"
  );
}
