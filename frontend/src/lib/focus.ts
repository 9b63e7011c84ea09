/** A ref callback that focuses the element which replaces the focused one; otherwise the focus returns to the top. */
export function focusOn(node: HTMLElement | null): void {
  node?.focus({ preventScroll: true });
}
