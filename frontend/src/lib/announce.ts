/** Announcements for screen readers; they also keep the focus inside the page. */

const REGION = "announcements";
const LOOKS = 12;
const BETWEEN_MS = 100;

/** The props of the live region, which the layout renders once. */
export const REGION_PROPS = { id: REGION, role: "status", className: "sr-only" } as const;

/** Announces what was done. When the focused element disappears, the focus moves to the page's content. */
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
