"use client";
import type { DefinedQueryObserverResult, QueryObserverResult } from "@tanstack/react-query";
import { useState } from "react";
import { Problem } from "@/api/problem";

type Result = Pick<
  QueryObserverResult | DefinedQueryObserverResult,
  "data" | "error" | "isPending" | "isError" | "fetchStatus"
>;

/**
 * Returns a query's result in which an error stays until data arrives; `isFetching` says that it is tried again.
 *
 * - A query without data drops its error at each new try, so its page would show "Loading…" and the error in turns.
 * - Without a network such a query waits and never fails: here that is an error too.
 * - A query with data keeps it when it can't be asked again: no error takes the place of a form that is being filled
 *   in. `error` still says why.
 *
 * `key` names what is queried.
 */
export function useSteady<R extends Result>(query: R, key: string): R {
  const [failure, setFailure] = useState<{ key: string; error: Error } | null>(null);
  const earlier = failure?.key === key ? failure.error : null;
  const shown = errorOf(query, earlier);
  if (shown !== earlier) setFailure(shown && { key, error: shown });
  if (query.data !== undefined && query.isError)
    return { ...query, isError: false, isSuccess: true, status: "success" };
  if (!shown || query.isError) return query;
  return { ...query, isPending: false, isLoading: false, isError: true, status: "error", error: shown };
}

/** Like useSteady, for a sum that is to be confirmed: one that could not be asked for again may be another by now. */
export function useFresh<R extends Result>(query: R, key: string): R {
  const steady = useSteady(query, key);
  return query.isError ? query : steady;
}

function errorOf({ data, error, isError, fetchStatus }: Result, earlier: Error | null): Error | null {
  if (data !== undefined) return null;
  if (isError) return error;
  return earlier ?? (fetchStatus === "paused" ? new Problem(null, 0) : null);
}
