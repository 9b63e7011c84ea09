/**
 * What this browser keeps for us. Some refuse to keep anything, and some are full.
 *
 * Then the session storage of the tab is tried, and at last memory: what is written can always be read again in this
 * tab, as long as the page lives.
 */
const memory = new Map<string, string | null>();

/** The storages in the order in which they are tried; asking for one may throw already. */
const STORES = [() => window.localStorage, () => window.sessionStorage];

function trySilently(action: () => void): boolean {
  try {
    action();
    return true;
  } catch {
    return false;
  }
}

export function readItem(key: string): string | null {
  if (memory.has(key)) return memory.get(key) ?? null;
  let value: string | null = null;
  STORES.some((store) => {
    trySilently(() => {
      value = store().getItem(key);
    });
    return value !== null;
  });
  return value;
}

/**
 * Keeps a value where it lasts longest, and nowhere else: an older one may be of another account.
 *
 * Other tabs hear of what changes, so the value is never removed first and then written.
 */
export function writeItem(key: string, value: string | null): void {
  memory.delete(key);
  const keeper =
    value === null ? -1 : STORES.findIndex((store) => trySilently(() => store().setItem(key, value)));
  const others = STORES.filter((_store, index) => index !== keeper);
  const areEmpty = others.map((store) => trySilently(() => store().removeItem(key))).every(Boolean);
  const isReadable = keeper >= 0 || (value === null && areEmpty);
  if (!isReadable) memory.set(key, value);
}

/** Another tab has written: what this tab remembers by itself is old. */
export function forgetMemory(key: string): void {
  memory.delete(key);
}
