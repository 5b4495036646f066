/** The addresses of the page. Each page is fetched when it is first gone to. */

import {
  createRootRoute,
  createRoute,
  createRouter,
  lazyRouteComponent,
} from "@tanstack/react-router";

import { Broken } from "./frame/Broken";
import { Frame } from "./frame/Frame";
import { Missing } from "./frame/Missing";
import { parseSearch, searchText, type Search } from "./parts/url";

const root = createRootRoute({
  component: Frame,
  notFoundComponent: Missing,
  errorComponent: Broken,
  validateSearch: (search: Record<string, unknown>): Search => search as Search,
});

const at = <P extends string>(path: P, page: () => Promise<{ default: () => React.ReactNode }>) =>
  createRoute({ getParentRoute: () => root, path, component: lazyRouteComponent(page) });

const tree = root.addChildren([
  at("/", () => import("./pages/home/HomePage")),
  at("/runs", () => import("./pages/runs/RunsPage")),
  at("/runs/$id", () => import("./pages/run/RunPage")),
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
