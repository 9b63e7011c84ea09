/**
 * What the oldest browsers of `browserslist` lack, such as "Map.groupBy": the lint forbids it, a test takes it away.
 *
 * Run as a program it prints the list as JSON.
 */
import { pathToFileURL } from "node:url";
import browserslist from "browserslist";
import compat from "core-js-compat";

const NAMESPACES = {
  dataview: "DataView",
  json: "JSON",
  regexp: "RegExp",
  url: "URL",
  "url-search-params": "URLSearchParams",
};
/** On the constructor itself; all else is on its prototype. */
const STATIC =
  /^(array\.from-async|array\.of|error\.is-error|iterator\.(concat|from|zip|zip-keyed)|json\..*|map\.group-by|math\..*|object\..*|promise\..*|regexp\.escape|uint8-array\.from-.*|url\.(parse|can-parse)|symbol\..*)$/;
/** There in all of them; what is newer is one detail. */
const DETAILS =
  /^(array\.(includes|push)|json\.(parse|stringify)|regexp\.flags|data-view|dom-exception|immediate|structured-clone|url-search-params\.(delete|has))/;
/** What the web platform has beyond the tables of core-js, by when browsers brought it. */
const PLATFORM = [
  "AbortSignal.any",
  "Document.prototype.startViewTransition",
  "Element.prototype.checkVisibility",
  "HTMLElement.prototype.showPopover",
  "HTMLElement.prototype.togglePopover",
  "Intl.DurationFormat",
];

const pascal = (name) =>
  NAMESPACES[name] ?? name.replace(/(^|-)([a-z0-9])/g, (_match, _dash, letter) => letter.toUpperCase());
const camel = (name) => name.replace(/-([a-z0-9])/g, (_match, letter) => letter.toUpperCase());

function pathOf(module) {
  const name = module.replace(/^(es|web)\./, "").replace(/\.v2$/, "");
  if (DETAILS.test(name)) return [];
  const [holder, member] = name.split(".");
  if (!member || member === "constructor") return holder === "iterator" ? ["Iterator"] : [];
  if (holder === "typed-array") return [`Uint8Array.__proto__.prototype.${camel(member)}`];
  return [`${pascal(holder)}.${STATIC.test(name) ? "" : "prototype."}${camel(member)}`];
}

export function newerFunctions() {
  const { list } = compat({ targets: browserslist(), modules: [/^es\./, /^web\./] });
  const paths = [...list.flatMap(pathOf), ...PLATFORM];
  // Members first: without their holder they would be out of reach, though not gone.
  return [...paths.filter((path) => path !== "Iterator"), "Iterator"];
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? "").href) {
  process.stdout.write(JSON.stringify(newerFunctions()));
}
