/** The addresses of the page. Each page is fetched when it is first gone to. */

import type { QueryClient } from "@tanstack/react-query";
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
} from "@tanstack/react-router";

import { keyOf, get } from "./api/client";
import { Broken } from "./frame/Broken";
import { Frame } from "./frame/Frame";
import { Missing } from "./frame/Missing";
import { parseSearch, searchText, type Search } from "./parts/url";

interface Context {
  client: QueryClient;
}

const root = createRootRouteWithContext<Context>()({
  component: Frame,
  notFoundComponent: Missing,
  errorComponent: Broken,
  validateSearch: (search: Record<string, unknown>): Search => search as Search,
});

const at = <P extends string>(path: P, page: () => Promise<{ default: () => React.ReactNode }>) =>
  createRoute({ getParentRoute: () => root, path, component: lazyRouteComponent(page) });

/** A long run is asked for while its page is fetched, not after it. */
const run = createRoute({
  getParentRoute: () => root,
  path: "/runs/$id",
  component: lazyRouteComponent(() => import("./pages/run/RunPage")),
  loader: ({ context, params, cause }) => {
    if (cause !== "enter") return;
    const path = `/runs/${encodeURIComponent(params.id)}`;
    for (const asked of [path, `${path}/graph`]) {
      void context.client.prefetchQuery({
        queryKey: keyOf(asked),
        queryFn: ({ signal }) => get(asked, undefined, signal),
      });
    }
  },
});

const tree = root.addChildren([
  at("/", () => import("./pages/home/HomePage")),
  at("/runs", () => import("./pages/runs/RunsPage")),
  run,
  at("/runs/$id/task", () => import("./pages/task/TaskPage")),
  at("/runs/$id/compare/$other", () => import("./pages/compare/ComparePage")),
  at("/flows", () => import("./pages/flows/FlowsPage")),
  at("/flows/$name", () => import("./pages/flow/FlowPage")),
  at("/catalogue", () => import("./pages/catalogue/CataloguePage")),
  at("/dataset", () => import("./pages/dataset/DatasetPage")),
  at("/service", () => import("./pages/service/ServicePage")),
  at("/login", () => import("./pages/login/LoginPage")),
]);

export const router = createRouter({
  routeTree: tree,
  context: { client: undefined! },
  defaultPreload: "intent",
  defaultErrorComponent: Broken,
  defaultNotFoundComponent: Missing,
  parseSearch,
  stringifySearch: searchText,
  scrollRestoration: true,
});

declare module "@tanstack/react-router" {
  interface Register {
    router: typeof router;
  }
}
