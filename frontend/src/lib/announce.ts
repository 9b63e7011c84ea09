/** For those who do not see the page change: what was done is said, and the focus does not fall out of the page. */

const REGION = "announcements";
const LOOKS = 12;
const BETWEEN_MS = 100;

/** Where announcements are read from; stands once in the page. */
export const REGION_PROPS = { id: REGION, role: "status", className: "sr-only" } as const;

/** Says in a sentence what was done. When the place of the focus goes with it, the content of the page is next. */
export function announce(done: string): void {
  const region = document.getElementById(REGION);
  if (region) region.textContent = done;
  keepFocus(LOOKS);
}

function keepFocus(looks: number): void {
  if (looks === 0) return;
  if (document.activeElement === document.body)
    document.getElementById("main")?.focus({ preventScroll: true });
  setTimeout(() => keepFocus(looks - 1), BETWEEN_MS);
}
