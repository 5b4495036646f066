import react from "@vitejs/plugin-react";
import { defineConfig } from "vitest/config";

import { packed } from "./packed.ts";

/** The page is built into the Python package, which serves it under a policy without inline code. */
export default defineConfig({
  plugins: [react(), packed()],
  build: {
    outDir: "../orchestrator/server/page",
    emptyOutDir: true,
    assetsInlineLimit: 0,
    target: "es2022",
    // Both themes stand in light-dark(), which older browsers do not know.
    cssTarget: ["chrome123", "firefox120", "safari17.5"],
    modulePreload: { polyfill: false },
    rolldownOptions: { checks: { bundlerTimings: false } },
  },
  worker: { format: "es" },
  server: {
    proxy: { "/api": "http://127.0.0.1:4280", "/health": "http://127.0.0.1:4280" },
  },
  test: { include: ["src/**/*.test.{ts,tsx}"] },
});
