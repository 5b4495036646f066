/** Lays graphs out beside the page, so that it stays usable meanwhile. */

import { arrange, type Arrangement } from "./arrange";

self.onmessage = (event: MessageEvent<{ number: number; what: Arrangement }>) => {
  const { number, what } = event.data;
  self.postMessage({ number, positions: Object.entries(arrange(what)) });
};
