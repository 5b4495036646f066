import { expect, it } from "vitest";

import { countOf, readDiff } from "./unified";

const TEXT = `--- a/models/x.sql
+++ b/models/x.sql
@@ -3,3 +3,4 @@ select
 select a
-from old
+from new
+where b
 -- end
\\ No newline at end of file
`;

it("numbers the lines of both sides", () => {
  const lines = readDiff(TEXT);
  expect(lines.map((line) => [line.kind, line.before, line.after])).toEqual([
    ["hunk", null, null],
    ["same", 3, 3],
    ["removed", 4, null],
    ["added", null, 4],
    ["added", null, 5],
    ["same", 5, 6],
  ]);
  expect(lines[5]?.text).toBe("-- end");
  expect(countOf(lines)).toEqual({ added: 2, removed: 1 });
});

it("takes a removed SQL comment for a removed line, not for a file name", () => {
  expect(readDiff("@@ -1 +1 @@\n--- old\n+++ new").map((line) => line.text)).toEqual([
    "@@ -1 +1 @@",
    "-- old",
    "++ new",
  ]);
});

it("has no lines without a diff", () => {
  expect(readDiff("")).toEqual([]);
});
