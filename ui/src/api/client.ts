/** Speaking with the API: requests, errors that say what to do, and hooks over both. */

import {
  useMutation,
  useQuery,
  useQueryClient,
  type UseMutationResult,
  type UseQueryResult,
} from "@tanstack/react-query";

import { heard, unheard } from "./connection";

export const BASE = "/api/v1";

type Scalar = string | number | boolean;
export type Query = Record<string, Scalar | readonly Scalar[] | null | undefined>;
export type Method = "POST" | "PUT" | "PATCH" | "DELETE";

/** What went wrong, where, and what to do next, in the server's words. */
export class ApiError extends Error {
  constructor(
    readonly status: number,
    readonly what: string,
    readonly where: string = "",
    readonly fix: string = "",
    readonly kind: string = "",
  ) {
    super(what);
    this.name = "ApiError";
  }
}

/** The address of an API path with its query; lists repeat their name, null and "" are left out. */
export function addressOf(path: string, query: Query = {}): string {
  const words = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    for (const each of Array.isArray(value) ? value : [value]) {
      if (each !== null && each !== undefined && each !== "") words.append(name, String(each));
    }
  }
  const text = words.toString();
  return BASE + path + (text ? (path.includes("?") ? "&" : "?") + text : "");
}

/** GET a path below /api/v1. */
export function get<T>(path: string, query?: Query, signal?: AbortSignal): Promise<T> {
  return ask<T>(addressOf(path, query), { signal });
}

/** Write to a path below /api/v1; a body is always JSON. */
export function send<T>(
  method: Method,
  path: string,
  body: unknown = {},
  headers: Record<string, string> = {},
): Promise<T> {
  return ask<T>(addressOf(path), {
    method,
    body: JSON.stringify(body ?? {}),
    headers: { "Content-Type": "application/json", ...headers },
  });
}

async function ask<T>(address: string, init: RequestInit): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(address, {
      ...init,
      credentials: "same-origin",
      headers: { Accept: "application/json", ...init.headers },
    });
  } catch (problem) {
    if (problem instanceof DOMException && problem.name === "AbortError") throw problem;
    unheard();
    throw new ApiError(
      0,
      "The server does not answer.",
      window.location.origin,
      "Is “orchestrator serve” still running? The page goes on by itself once it answers.",
    );
  }
  heard();
  if (!answer.ok) throw await errorOf(answer);
  return (answer.status === 204 ? undefined : await answer.json()) as T;
}

async function errorOf(answer: Response): Promise<ApiError> {
  const body: unknown = await answer.json().catch(() => null);
  const error = (body as { error?: Record<string, unknown> } | null)?.error;
  const text = (name: string) => (typeof error?.[name] === "string" ? String(error[name]) : "");
  return new ApiError(
    answer.status,
    text("what") || `The server answered ${answer.status} ${answer.statusText}.`.trim(),
    text("where"),
    text("fix"),
    text("kind"),
  );
}

export interface GetOptions {
  /** Ask again every so many milliseconds. */
  every?: number | false;
  /** Keep showing the old answer while a new one is fetched for other words of the query. */
  keep?: boolean;
  /** For how many milliseconds an answer counts as fresh. */
  fresh?: number;
  enabled?: boolean;
}

/** The answer of a path; null asks nothing. */
export function useGet<T>(
  path: string | null,
  query?: Query,
  options: GetOptions = {},
): UseQueryResult<T, ApiError> {
  return useQuery<T, ApiError>({
    queryKey: keyOf(path, query),
    queryFn: ({ signal }) => get<T>(path ?? "", query, signal),
    enabled: path !== null && (options.enabled ?? true),
    refetchInterval: options.every ?? false,
    placeholderData: options.keep ? (before: T | undefined) => before as never : undefined,
    ...(options.fresh === undefined ? {} : { staleTime: options.fresh }),
  });
}

/** The key under which `useGet` keeps an answer, for `queryClient.setQueryData`. */
export function keyOf(path: string | null, query?: Query): readonly unknown[] {
  return query && Object.keys(query).length > 0 ? [path, query] : [path];
}

/** A write; when it is done, whatever the page shows is asked for again. */
export function useSend<B = unknown, T = unknown>(
  method: Method,
  path: string | ((body: B) => string),
): UseMutationResult<T, ApiError, B> {
  const client = useQueryClient();
  return useMutation<T, ApiError, B>({
    mutationFn: (body) => send<T>(method, typeof path === "string" ? path : path(body), body),
    onSuccess: () => client.invalidateQueries(),
  });
}
