/** Shows an answer once it is there, and until then how it stands. */

import type { UseQueryResult } from "@tanstack/react-query";
import type { ReactNode } from "react";

import type { ApiError } from "../../api/client";
import { Problem } from "../../parts/Problem";

interface Props<T> {
  answer: UseQueryResult<T, ApiError>;
  children: (data: T) => ReactNode;
}

export function Answered<T>({ answer, children }: Props<T>) {
  return (
    <>
      {answer.error && <Problem error={answer.error} onAgain={() => void answer.refetch()} />}
      {answer.isPending && <p role="status">Looking…</p>}
      {answer.data !== undefined && children(answer.data)}
    </>
  );
}
