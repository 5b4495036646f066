import { expect, it } from "vitest";

import { heights } from "./heights";

it("lets also the least be seen", () => {
  expect(heights([100, 50, 0, null])).toEqual([1, 0.5, 0.08, 0.08]);
  expect(heights([null])).toEqual([0.08]);
  expect(heights([])).toEqual([]);
});
