/** Where the page begins. */

import { QueryCache, QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { RouterProvider } from "@tanstack/react-router";
import { StrictMode } from "react";
import { createRoot } from "react-dom/client";

import { ApiError } from "./api/client";
import { applyTheme, rememberedTheme } from "./frame/theme";
import { router } from "./router";
import "./theme.css";

applyTheme(rememberedTheme());

/** Whoever is not logged in goes to the login page, and comes back after it. */
function refused(error: unknown): void {
  if (!(error instanceof ApiError) || error.status !== 401) return;
  const { pathname, href } = router.state.location;
  if (pathname !== "/login") void router.navigate({ to: "/login", search: { next: href } });
}

const client = new QueryClient({
  queryCache: new QueryCache({ onError: refused }),
  defaultOptions: {
    queries: {
      staleTime: 5_000,
      retry: (count, error) => error instanceof ApiError && error.status === 0 && count < 2,
    },
  },
});

const place = document.getElementById("root");
if (place) {
  createRoot(place).render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <RouterProvider router={router} context={{ client }} />
      </QueryClientProvider>
    </StrictMode>,
  );
}
