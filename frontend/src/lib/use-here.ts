"use client";
import { usePathname, useSearchParams } from "next/navigation";

/** Returns the path and query of this page, to come back to. */
export function useHere(): string {
  const path = usePathname();
  const query = useSearchParams().toString();
  return query ? `${path}?${query}` : path;
}

/** Returns a path on this site, or the front page: an address elsewhere is never followed. */
export function safeNext(next: string | null): string {
  if (!next?.startsWith("/") || next.startsWith("//") || next.includes("\\")) return "/";
  return next;
}
