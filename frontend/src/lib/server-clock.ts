/** The server's clock, as its answers tell it: holds end by it, and a phone's own may be hours off. */
let aheadMs = 0;

/** Takes the time from an answer. Its seconds are whole, so it may be half a second off. */
export function recordServerTime(answer: Response): void {
  const at = Date.parse(answer.headers.get("Date") ?? "");
  if (!Number.isNaN(at)) aheadMs = at + 500 - Date.now();
}

export const serverNow = (): number => Date.now() + aheadMs;
