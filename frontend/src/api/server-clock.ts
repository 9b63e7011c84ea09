/** How far the server's clock is ahead. Holds end by that clock, and a phone's may be hours off. */
let aheadMs = 0;

/** Reads the time from a response's `Date` header, which has whole seconds: the error is half a second. */
export function recordServerTime(answer: Response): void {
  const at = Date.parse(answer.headers.get("Date") ?? "");
  if (!Number.isNaN(at)) aheadMs = at + 500 - Date.now();
}

export const serverNow = (): number => Date.now() + aheadMs;
