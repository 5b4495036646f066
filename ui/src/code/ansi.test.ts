import { describe, expect, it } from "vitest";

import { plain, readAnsi } from "./ansi";

const E = "\u001b";

describe("readAnsi", () => {
  it("gives theme colours by name", () => {
    const pieces = readAnsi(`a ${E}[32mPASS${E}[0m b ${E}[1;91mERR${E}[0m`);
    expect(pieces.map((piece) => [piece.text, piece.colour, piece.bold])).toEqual([
      ["a ", null, false],
      ["PASS", "green", false],
      [" b ", null, false],
      ["ERR", "red", true],
    ]);
  });

  it("brings 256 colours and exact colours to the theme's", () => {
    const [palette, exact, grey] = readAnsi(
      `${E}[38;5;33mx${E}[0m${E}[38;2;250;20;20my${E}[0m${E}[38;5;245mz`,
    );
    expect([palette?.colour, exact?.colour, grey?.colour]).toEqual(["blue", "red", null]);
  });

  it("leaves markup as text", () => {
    expect(readAnsi(`${E}[31m<script>alert(1)</script>`)[0]?.text).toBe(
      "<script>alert(1)</script>",
    );
    expect(plain("<b>&amp;</b>")).toBe("<b>&amp;</b>");
  });

  it("drops cursor moves, titles, links and control characters", () => {
    expect(plain(`${E}[2K${E}[1Gdone${E}[?25h\u0007`)).toBe("done");
    expect(plain(`${E}]8;;https://example.org\u0007link${E}]8;;\u0007`)).toBe("link");
  });

  it("keeps what a carriage return left on the screen", () => {
    expect(plain("10 %\r50 %\r100 %\r")).toBe("100 %");
  });

  it("has nothing for an empty line", () => {
    expect(readAnsi("")).toEqual([]);
  });
});
