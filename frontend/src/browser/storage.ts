/**
 * Values stored in the browser. Some browsers refuse storage, and some are full.
 *
 * Tried in order: localStorage, the tab's sessionStorage, memory. What was written can always be read again in this tab
 * while the page lives.
 */
const memory = new Map<string, string | null>();

/** The storages in order of preference; even accessing one may throw. */
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
 * Stores a value where it lasts longest and removes it everywhere else: an older value may belong to another account.
 *
 * Other tabs receive storage events, so the value is overwritten, never removed first.
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

/** Drops this tab's copy in memory after another tab has written the value. */
export function forgetMemory(key: string): void {
  memory.delete(key);
}
