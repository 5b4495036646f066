/** A Python traceback as data: frames, runs of library frames, the errors and the words between. */

export interface Frame {
  file: string;
  line: number;
  function: string;
  source: string[];
  own: boolean;
}

export type Piece =
  | { kind: "own"; frame: Frame }
  | { kind: "library"; frames: Frame[] }
  | { kind: "words"; text: string }
  | { kind: "error"; text: string };

const FRAME = /^[\s|+]*File "(.+)", line (\d+)(?:, in (.*))?$/;
const BETWEEN =
  /^(Traceback \(most recent call last\):|During handling of |The above exception was )/;
const LIBRARY =
  /[\\/](?:site|dist)-packages[\\/]|[\\/]lib(?:64)?[\\/]python3|[\\/]orchestrator[\\/](?:engine|executors?|model|service|store)[\\/]|^<frozen /;

export function isLibrary(file: string): boolean {
  return LIBRARY.test(file);
}

/** Read a traceback. Text that is none comes back as one error. */
export function readTraceback(text: string): Piece[] {
  const pieces: Piece[] = [];
  let frame: Frame | null = null;
  for (const line of text.replace(/\s+$/, "").split("\n")) {
    const found = FRAME.exec(line);
    if (found) {
      const file = found[1] ?? "";
      frame = {
        file,
        line: Number(found[2]),
        function: found[3] ?? "",
        source: [],
        own: !isLibrary(file),
      };
      pieces.push({ kind: "own", frame });
    } else if (frame && (/^[\s|]{3,}/.test(line) || line === "")) {
      if (line) frame.source.push(line);
    } else {
      frame = null;
      addText(pieces, line);
    }
  }
  return folded(tidy(pieces));
}

function addText(pieces: Piece[], line: string): void {
  const last = pieces.at(-1);
  const kind = BETWEEN.test(line) ? "words" : "error";
  if (kind === "error" && last?.kind === "error") last.text += `\n${line}`;
  else if (line.trim() || last?.kind === "error") pieces.push({ kind, text: line });
}

function tidy(pieces: Piece[]): Piece[] {
  return pieces
    .map((piece) => (piece.kind === "error" ? { ...piece, text: piece.text.trim() } : piece))
    .filter((piece) => piece.kind !== "error" || piece.text !== "");
}

/** Library frames that follow one another become one piece; without own frames, the last stays. */
function folded(pieces: Piece[]): Piece[] {
  const frames = pieces.flatMap((piece) => (piece.kind === "own" ? [piece.frame] : []));
  const last = frames.at(-1);
  if (last && !frames.some((frame) => frame.own)) last.own = true;
  const done: Piece[] = [];
  for (const piece of pieces) {
    const before = done.at(-1);
    if (piece.kind !== "own" || piece.frame.own) done.push(piece);
    else if (before?.kind === "library") before.frames.push(piece.frame);
    else done.push({ kind: "library", frames: [piece.frame] });
  }
  return done;
}

/** Source lines with their common indentation taken away. */
export function dedent(lines: string[]): string[] {
  const used = lines.filter((line) => line.trim());
  const least = Math.min(...used.map((line) => /^\s*/.exec(line)?.[0].length ?? 0));
  return used.length ? lines.map((line) => line.slice(least)) : lines;
}
