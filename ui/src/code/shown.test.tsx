/** What the parts of this folder draw: text stays text, and the failing line is marked. */

import { renderToStaticMarkup } from "react-dom/server";
import { describe, expect, it } from "vitest";

import { Ansi } from "./Ansi";
import { Diff } from "./Diff";
import { SqlView } from "./SqlView";
import { Traceback } from "./Traceback";

const SCRIPT = "<script>alert(1)</script>";

describe("text stays text", () => {
  it.each([
    ["a log line", <Ansi key="1" text={`\u001b[31m${SCRIPT}\u001b[0m`} />],
    ["SQL", <SqlView key="2" sql={`select '${SCRIPT}'`} title={SCRIPT} />],
    [
      "a traceback",
      <Traceback
        key="3"
        text={`  File "${SCRIPT}", line 1, in ${SCRIPT}\n    ${SCRIPT}\nError: ${SCRIPT}`}
      />,
    ],
    ["a diff", <Diff key="4" diff={`@@ -1 +1 @@\n-${SCRIPT}`} title={SCRIPT} />],
  ])("in %s", (_, shown) => {
    const markup = renderToStaticMarkup(shown);
    expect(markup).not.toContain("<script");
    expect(markup).toContain("&lt;script&gt;");
  });
});

it("marks what is searched for, in any case", () => {
  const markup = renderToStaticMarkup(<Ansi text="Error after error" mark="ERROR" />);
  expect(markup.match(/<mark>(.*?)<\/mark>/g)).toEqual([
    "<mark>Error</mark>",
    "<mark>error</mark>",
  ]);
});

it("marks the failing line, and says what was said", () => {
  const markup = renderToStaticMarkup(
    <SqlView sql={"select a\nfrom b"} line={2} message="no table b" />,
  );
  expect(markup.match(/data-failing/g)).toHaveLength(1);
  expect(markup).toContain("Failing line 2");
  expect(markup).toContain("no table b");
});

it("folds frames of libraries under their names", () => {
  const text =
    '  File "/a/site-packages/pandas/core/x.py", line 1, in f\n  File "/a/score.py", line 2, in g\nKeyError: 1';
  const markup = renderToStaticMarkup(<Traceback text={text} />);
  expect(markup).toContain("1 frame in pandas");
  expect(markup).toMatch(/<code>\/a\/score\.py:2<\/code>/);
});
