/**
 * Prints the JavaScript that each exported page loads at first, compressed as it is sent; with a page, such as
 * `npm run size -- /checkout`, each of its scripts and what is recognised in it.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const out = join(dirname(fileURLToPath(import.meta.url)), "..", "out");
const wanted = process.argv[2];

/** What each library alone says in its code, also when minified. */
const MARKS = {
  "react-dom": /DetermineComponentFrameRoot/,
  "Next.js":
    /Next-Router-State-Tree|ReadonlyURLSearchParams|layout router|middleware module|unexpected use of runtime require/i,
  "Base UI": /base-ui|floatingRootContext/,
  "TanStack Query": /observerResultsUpdated|No mutationFn found/,
  "API client": /text\/event-stream|\/api\/v1\/payments\/create/,
  "tailwind-merge": /arbitrary\.\.|conflictingClassGroups/,
  "react-stripe-js": /EmbeddedCheckoutProviderContext/,
  "the shop's own": /A part was refunded|Create an account to go on/,
};

function scriptsOf(page) {
  const html = readFileSync(join(out, page), "utf8");
  const tags = [...html.matchAll(/<script[^>]*>/g)].map(([tag]) => tag);
  const modern = tags.filter((tag) => !/nomodule/i.test(tag));
  return new Set(modern.flatMap((tag) => tag.match(/\ssrc="([^"]+)"/)?.[1] ?? []));
}

const sizeOf = (src) => gzipSync(readFileSync(join(out, src))).length;
const kB = (bytes) => `${String(Math.round(bytes / 1024)).padStart(5)} kB`;

function contents(src) {
  const code = readFileSync(join(out, src), "utf8");
  return Object.keys(MARKS).filter((name) => MARKS[name].test(code));
}

const pages = readdirSync(out, { recursive: true }).filter((name) => name.endsWith("index.html"));
for (const page of pages.sort()) {
  const path = `/${relative(".", dirname(page))}`;
  if (wanted && path !== wanted) continue;
  const scripts = [...scriptsOf(page)].sort((a, b) => sizeOf(b) - sizeOf(a));
  console.log(`${kB(scripts.reduce((sum, src) => sum + sizeOf(src), 0))}  ${path}`);
  for (const src of wanted ? scripts : [])
    console.log(`${kB(sizeOf(src))}    ${contents(src).join(", ") || "-"}`);
}
