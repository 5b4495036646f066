// @vitest-environment jsdom
import { act } from "react";
import { createRoot, type Root } from "react-dom/client";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { useKeys, useShortcuts, type Shortcut } from "./keys";

let root: Root;
let place: HTMLElement;

function Page({ keys }: { keys: Shortcut[] }) {
  useKeys(keys);
  const known = useShortcuts();
  return (
    <>
      <input aria-label="field" />
      <output>{known.map((each) => each.title).join(", ")}</output>
    </>
  );
}

const show = (...keys: Shortcut[]): void => act(() => root.render(<Page keys={keys} />));

const press = (key: string, more: KeyboardEventInit = {}, target: Element = document.body): void =>
  act(
    () => void target.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true, ...more })),
  );

beforeEach(() => {
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
  place = document.createElement("div");
  document.body.append(place);
  root = createRoot(place);
});

afterEach(() => {
  act(() => root.unmount());
  place.remove();
  vi.unstubAllGlobals();
});

test("one key, or two in a row, do what they say", () => {
  const retry = vi.fn();
  const home = vi.fn();
  show({ keys: "r", title: "Retry", act: retry }, { keys: "g h", title: "Home", act: home });
  press("r");
  press("h");
  expect(home).not.toHaveBeenCalled();
  press("g");
  press("h");
  expect([retry.mock.calls.length, home.mock.calls.length]).toEqual([1, 1]);
  expect(place.querySelector("output")?.textContent).toBe("Retry, Home");
});

test("keys with a modifier, and those of a field, are left alone", () => {
  const retry = vi.fn();
  show({ keys: "r", title: "Retry", act: retry });
  press("r", { ctrlKey: true });
  press("r", {}, place.querySelector("input") as Element);
  expect(retry).not.toHaveBeenCalled();
});

test("what is done follows the page, and ends with it", () => {
  const before = vi.fn();
  const after = vi.fn();
  show({ keys: "r", title: "Retry", act: before });
  show({ keys: "r", title: "Retry", act: after });
  press("r");
  expect([before.mock.calls.length, after.mock.calls.length]).toEqual([0, 1]);
  show();
  press("r");
  expect(after).toHaveBeenCalledTimes(1);
});
