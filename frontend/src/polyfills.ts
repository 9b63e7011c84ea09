/**
 * Functions that the shop and its packages use and that supported browsers lack (`browserslist` in package.json).
 *
 * Written by hand: core-js would add a whole `URL` and `Promise`, 37 kB for every page. `eslint.config.mjs` lists the
 * same functions, and a test deletes them from a browser and makes a purchase.
 */

function groupBy<K, T>(items: Iterable<T>, keyOf: (item: T, index: number) => K): Map<K, T[]> {
  const groups = new Map<K, T[]>();
  let index = 0;
  for (const item of items) {
    const key = keyOf(item, index++);
    const group = groups.get(key);
    if (group) group.push(item);
    else groups.set(key, [item]);
  }
  return groups;
}

function parse(url: string | URL, base?: string | URL): URL | null {
  try {
    return new URL(url, base);
  } catch {
    return null;
  }
}

function withResolvers<T>(): PromiseWithResolvers<T> {
  const parts = {} as PromiseWithResolvers<T>;
  parts.promise = new Promise<T>((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
}

Map.groupBy ??= groupBy;
URL.parse ??= parse;
URL.canParse ??= (url, base) => parse(url, base) !== null;
Promise.withResolvers ??= withResolvers;
