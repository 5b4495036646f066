import { describe, expect, it } from "vitest";

import { dedent, readTraceback } from "./traceback";

const TEXT = `Traceback (most recent call last):
  File "/app/.venv/lib/python3.11/site-packages/pandas/core/frame.py", line 10, in wrap
    return inner()
  File "/app/.venv/lib/python3.11/site-packages/pandas/core/base.py", line 11, in inner
    return call()
           ^^^^^^
  File "/app/analytics/score.py", line 42, in score
    raise KeyError(name)
KeyError: 'tail_number'

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/app/flows/nightly.py", line 7, in build
    score(frame)
ValueError: no such column
  and a second line`;

describe("readTraceback", () => {
  it("folds library frames and keeps own ones with their source", () => {
    const pieces = readTraceback(TEXT);
    expect(pieces.map((piece) => piece.kind)).toEqual([
      "words",
      "library",
      "own",
      "error",
      "words",
      "words",
      "own",
      "error",
    ]);
    expect(pieces[1]).toMatchObject({
      frames: [{ function: "wrap" }, { function: "inner", line: 11 }],
    });
    expect(pieces[2]).toMatchObject({
      frame: { file: "/app/analytics/score.py", line: 42, source: ["    raise KeyError(name)"] },
    });
    expect(pieces[3]).toMatchObject({ text: "KeyError: 'tail_number'" });
  });

  it("leaves text that is no traceback alone", () => {
    expect(readTraceback("Binder Error: no column x\nLINE 3")).toEqual([
      { kind: "error", text: "Binder Error: no column x\nLINE 3" },
    ]);
    expect(readTraceback("")).toEqual([]);
  });

  it("stresses the last frame if all are library frames", () => {
    const pieces = readTraceback(
      '  File "/usr/lib/python3.11/json/a.py", line 1, in f\n  File "/usr/lib/python3.11/json/b.py", line 2, in g\nError: x',
    );
    expect(pieces.map((piece) => piece.kind)).toEqual(["library", "own", "error"]);
  });
});

describe("dedent", () => {
  it("takes the common indentation away", () => {
    expect(dedent(["    a", "      b"])).toEqual(["a", "  b"]);
    expect(dedent([])).toEqual([]);
  });
});
