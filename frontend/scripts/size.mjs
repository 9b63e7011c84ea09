/**
 * Prints what each exported page loads for its first view, compressed as it is sent: the page, its styles and scripts.
 * With a page, such as `npm run size -- /checkout`, each of its files and what is recognised in it. With `--check` it
 * fails when a page weighs more than `budget.json` allows.
 */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { brotliCompressSync } from "node:zlib";

const frontend = join(dirname(fileURLToPath(import.meta.url)), "..");
const out = join(frontend, "out");
const [wanted] = process.argv.slice(2).filter((argument) => argument.startsWith("/"));
const checks = process.argv.includes("--check");
const budget = JSON.parse(readFileSync(join(frontend, "budget.json"), "utf8"));

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

/** The files of a page's first view. A browser that knows modules loads no `noModule` script. */
function filesOf(page) {
  const html = readFileSync(join(out, page), "utf8");
  const tags = [...html.matchAll(/<(?:script|link)[^>]*>/g)].map(([tag]) => tag);
  const loaded = tags.filter((tag) => /^<script/.test(tag) || /rel="stylesheet"|as="font"/.test(tag));
  const modern = loaded.filter((tag) => !/nomodule/i.test(tag));
  const files = modern.flatMap((tag) => tag.match(/\s(?:src|href)="([^"]+)"/)?.[1] ?? []);
  return [...new Set([`/${page}`, ...files])];
}

const sizes = new Map();
function sizeOf(file) {
  if (!sizes.has(file)) {
    const bytes = readFileSync(join(out, file));
    sizes.set(file, file.endsWith(".woff2") ? bytes.length : brotliCompressSync(bytes).length);
  }
  return sizes.get(file);
}

const inKb = (bytes) => Math.round(bytes / 1024);
const column = (bytes) => `${String(inKb(bytes)).padStart(5)} kB`;

function contents(file) {
  const code = readFileSync(join(out, file), "utf8");
  return Object.keys(MARKS).filter((name) => MARKS[name].test(code));
}

const pages = readdirSync(out, { recursive: true }).filter((name) => name.endsWith("index.html"));
const tooHeavy = [];
for (const page of pages.sort()) {
  const path = dirname(page) === "." ? "/" : `/${dirname(page)}`;
  if (wanted && path !== wanted) continue;
  const files = filesOf(page).sort((left, right) => sizeOf(right) - sizeOf(left));
  const total = files.reduce((sum, file) => sum + sizeOf(file), 0);
  const allowed = budget[path] ?? budget.others;
  if (inKb(total) > allowed)
    tooHeavy.push(`${path} weighs ${inKb(total)} kB, and ${allowed} kB are allowed.`);
  if (!checks) console.log(`${column(total)} of ${allowed}  ${path}`);
  for (const file of wanted ? files : [])
    console.log(`${column(sizeOf(file))}    ${contents(file).join(", ") || file}`);
}
if (checks && tooHeavy.length > 0) {
  console.error(
    `${tooHeavy.join("\n")}\nSee what is in a page with \`npm run size -- /page\`: load later what its first view does not need.`,
  );
  process.exitCode = 1;
}
