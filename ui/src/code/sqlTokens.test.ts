import { expect, it } from "vitest";

import { sqlLines } from "./sqlTokens";

const SQL = `-- flights
select "a", count(*) as n, 'its' as word
from raw.flights
/* two
lines */ where n > 10
qualify row_number() over () = 1`;

it("colours words and loses no character", () => {
  const lines = sqlLines(SQL);
  expect(lines.map((line) => line.map((token) => token.text).join("")).join("\n")).toBe(SQL);
  const kinds = (number: number) =>
    Object.fromEntries((lines[number] ?? []).map((token) => [token.text.trim(), token.kind]));
  expect(kinds(0)).toEqual({ "-- flights": "comment" });
  expect(kinds(1)).toMatchObject({ select: "keyword", "'its'": "string" });
  expect(kinds(4)).toMatchObject({ "lines */": "comment", "10": "number" });
  expect(kinds(5)).toMatchObject({ qualify: "keyword" });
});

it("takes what is no SQL as it is", () => {
  expect(sqlLines("")).toEqual([[]]);
  expect(
    sqlLines("<script>")
      .flat()
      .map((token) => token.text)
      .join(""),
  ).toBe("<script>");
});
