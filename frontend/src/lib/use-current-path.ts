"use client";
import { usePathname, useSearchParams } from "next/navigation";

/** Returns the path and query of this page, to come back to. */
export function useCurrentPath(): string {
  const path = usePathname();
  const query = useSearchParams().toString();
  return query ? `${path}?${query}` : path;
}

/** Returns a path on this site, or the front page: an address elsewhere is never followed. */
export function safeNextPath(next: string | null): string {
  if (!next?.startsWith("/")) return "/";
  const url = URL.parse(next, window.location.origin); // read as the browser would, with its tabs and backslashes
  if (url?.origin !== window.location.origin) return "/";
  // "/.//elsewhere" is on this site, and its path, "//elsewhere", is another one when it is read once more.
  return url.pathname.replace(/^\/+/, "/") + url.search + url.hash;
}
