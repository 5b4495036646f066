/** Text with ANSI colours as pieces with the names of theme colours; never as markup. */

import Anser from "anser";

export type Colour = "black" | "red" | "green" | "yellow" | "blue" | "magenta" | "cyan" | "white";

export interface AnsiPiece {
  text: string;
  colour: Colour | null;
  background: Colour | null;
  bold: boolean;
  dim: boolean;
  italic: boolean;
  underline: boolean;
}

const PLAIN = {
  colour: null,
  background: null,
  bold: false,
  dim: false,
  italic: false,
  underline: false,
};
const COLOURS: Record<Colour, [number, number, number]> = {
  black: [60, 60, 60],
  red: [205, 50, 45],
  green: [40, 170, 70],
  yellow: [200, 160, 20],
  blue: [50, 100, 220],
  magenta: [180, 70, 180],
  cyan: [30, 165, 175],
  white: [215, 215, 215],
};
const STEPS = [0, 95, 135, 175, 215, 255];
const ESCAPE = "\u001b";
// Everything but colours: links and titles (OSC), cursor movement, single control characters.
const TITLES = new RegExp(`${ESCAPE}\\].*?(?:\u0007|${ESCAPE}\\\\|$)`, "g");
const MOVES = new RegExp(`${ESCAPE}\\[[0-9;?]*[A-HJKSTfhlnsu]`, "g");
// eslint-disable-next-line no-control-regex
const CONTROLS = /[\u0000-\u0008\u000b-\u001a\u001c-\u001f\u007f]/g;

/** Split a line at its colour codes. */
export function readAnsi(line: string): AnsiPiece[] {
  const text = cleaned(line);
  if (!text.includes(ESCAPE)) return text ? [{ text, ...PLAIN }] : [];
  return Anser.ansiToJson(text, { json: true, remove_empty: true, use_classes: true }).map(
    (part) => ({
      text: part.content.replaceAll(ESCAPE, ""),
      colour: colourOf(part.fg, part.fg_truecolor),
      background: colourOf(part.bg, part.bg_truecolor),
      bold: part.decorations.includes("bold"),
      dim: part.decorations.includes("dim"),
      italic: part.decorations.includes("italic"),
      underline: part.decorations.includes("underline"),
    }),
  );
}

/** A line as a terminal leaves it: without codes. */
export function plain(line: string): string {
  return readAnsi(line)
    .map((piece) => piece.text)
    .join("");
}

/** What a carriage return overwrites is gone, as in a terminal. */
function cleaned(line: string): string {
  const shown = line.replace(/\r+$/, "");
  const text = shown.slice(shown.lastIndexOf("\r") + 1);
  return text.replace(TITLES, "").replace(MOVES, "").replace(CONTROLS, "");
}

function colourOf(name: string | null, exact: string | null): Colour | null {
  if (!name) return null;
  const palette = /^ansi-palette-(\d+)$/.exec(name);
  if (palette) return nearest(cube(Number(palette[1])));
  if (name === "ansi-truecolor") return nearest((exact ?? "").split(",").map(Number));
  const word = name.replace(/^ansi-(bright-)?/, "");
  return word in COLOURS ? (word as Colour) : null;
}

function cube(number: number): number[] {
  if (number >= 232) return Array<number>(3).fill(8 + (number - 232) * 10);
  const index = Math.max(number - 16, 0);
  return [Math.floor(index / 36), Math.floor(index / 6) % 6, index % 6].map(
    (step) => STEPS[step] ?? 0,
  );
}

/** Of the theme's colours the most alike, so that text stays legible on light and dark paper. */
function nearest([red = 0, green = 0, blue = 0]: number[]): Colour | null {
  if (Math.max(red, green, blue) - Math.min(red, green, blue) < 24) return null;
  let best: Colour | null = null;
  let least = Infinity;
  for (const [name, [r, g, b]] of Object.entries(COLOURS) as [Colour, [number, number, number]][]) {
    const distance = (r - red) ** 2 + (g - green) ** 2 + (b - blue) ** 2;
    if (name !== "black" && name !== "white" && distance < least) [best, least] = [name, distance];
  }
  return best;
}
