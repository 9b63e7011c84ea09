/** A ref that moves the focus to what has just taken the place of what had it, so that nobody is left at the top. */
export function focusOn(node: HTMLElement | null): void {
  node?.focus({ preventScroll: true });
}
