/** Prints the JavaScript that each exported page loads at first, compressed as it is sent. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";

const out = join(dirname(fileURLToPath(import.meta.url)), "..", "out");
const pages = readdirSync(out, { recursive: true }).filter((name) => name.endsWith("index.html"));

for (const page of pages.sort()) {
  const html = readFileSync(join(out, page), "utf8");
  const tags = [...html.matchAll(/<script[^>]*>/g)]
    .map(([tag]) => tag)
    .filter((tag) => !/nomodule/i.test(tag));
  const scripts = new Set(tags.flatMap((tag) => tag.match(/\ssrc="([^"]+)"/)?.[1] ?? []));
  const bytes = [...scripts].reduce((sum, src) => sum + gzipSync(readFileSync(join(out, src))).length, 0);
  console.log(`${String(Math.round(bytes / 1024)).padStart(5)} kB  /${relative(".", dirname(page))}`);
}
