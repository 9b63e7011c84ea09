"use client";
import { usePathname, useSearchParams } from "next/navigation";

/** Returns the path and query of this page, as a target to return to. */
export function useCurrentPath(): string {
  const path = usePathname();
  const query = useSearchParams().toString();
  return query ? `${path}?${query}` : path;
}

/** Returns a path on this site, or "/" for any URL of another origin. */
export function safeNextPath(next: string | null): string {
  if (!next?.startsWith("/")) return "/";
  // Parsed as the browser would, which strips tabs and turns backslashes around.
  const url = URL.parse(next, window.location.origin);
  if (url?.origin !== window.location.origin) return "/";
  // "/.//evil.example" is on this site, but its path, "//evil.example", is another origin when parsed again.
  return url.pathname.replace(/^\/+/, "/") + url.search + url.hash;
}
