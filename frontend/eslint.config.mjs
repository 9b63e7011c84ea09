/**
 * What Biome does not look for: what older browsers lack, and what no page may say.
 *
 * Which browsers count is `browserslist` in package.json; what `src/polyfills.ts` brings is named in `POLYFILLS` here.
 */
import { readdirSync } from "node:fs";
import parser from "@typescript-eslint/parser";
import compat from "eslint-plugin-compat";
import { newerFunctions } from "./scripts/newer.mjs";

const POLYFILLS = ["Map.groupBy", "URL.parse", "URL.canParse", "Promise.withResolvers"];

const STORAGE = {
  selector: "Identifier[name=/^(localStorage|sessionStorage|indexedDB)$/]",
  message: "Storage may be refused or full: use src/browser/storage.ts, which then keeps it for this tab.",
};
const EXCEPTIONS_TEXT = {
  // The server's own words for a buyer (`order.failure`) and Stripe's for a declined card are written for people.
  selector: "MemberExpression[property.name='message']:not([object.property.name='failure'], [object.name='failure'])",
  message: "No page shows an exception's text: use errorText(), or throw a ReadableError of src/api/problem.ts.",
};
const NOTHING_WAS_CHARGED = ["Literal[value=", "JSXText[value=", "TemplateElement[value.raw="].map((node) => ({
  selector: `${node}/nothing was charged/i]`,
  message: "Only a decline says so: see src/components/checkout/declined.ts. What is unknown is asked of Stripe.",
}));
const DAYS_OF_24_HOURS = {
  selector: "Literal[value=86400000], Literal[value=86400]",
  message: "A day has 23 or 25 hours when clocks change: use addDays() of src/lib/time.ts.",
};
/** Functions of a class by both names; methods only where no older one is called the same, as the types know the rest. */
const NEWER = newerFunctions()
  .filter((path) => /^[^_]+$/.test(path) && path.includes(".") && !POLYFILLS.includes(path))
  .flatMap((path) => {
    const [holder, member, method] = path.split(".");
    if (member !== "prototype") return [`MemberExpression[object.name='${holder}'][property.name='${member}']`];
    return /[A-Z]/.test(method) && holder !== "Iterator" ? [`MemberExpression[property.name='${method}']`] : [];
  })
  .filter((selector, index, all) => all.indexOf(selector) === index)
  .map((selector) => ({ selector, message: "Browsers of four years ago lack it: see src/polyfills.ts." }));
const RULES = { NEWER, STORAGE, EXCEPTIONS_TEXT, NOTHING_WAS_CHARGED, DAYS_OF_24_HOURS };

/** All rules but those named, for the one place that each of them leads to. */
const restrict = (...allowed) => [
  "error",
  ...Object.entries(RULES)
    .filter(([name]) => !allowed.includes(name))
    .flatMap(([, rule]) => rule),
];

/** The folders of components in an order in which each imports only from those before it. */
const SHARED = ["art", "ui", "auth", "cards", "checkout", "orders", "service"];
const COMPONENTS = readdirSync(new URL("./src/components", import.meta.url)).filter((name) => !name.includes("."));
/** All folders of src from the ground up. Those that no other folder of components needs come after the shared ones. */
const FOLDERS = [
  ...["browser", "api", "lib"],
  ...[...SHARED, ...COMPONENTS.filter((name) => !SHARED.includes(name)).sort()].map((name) => `components/${name}`),
  "app",
];
const onlyFromBelow = FOLDERS.map((folder, place) => ({
  files: [`src/${folder}/**`],
  rules: {
    "no-restricted-imports": [
      "error",
      {
        patterns: [
          {
            group: FOLDERS.slice(place + 1).map((above) => `@/${above}/*`),
            message: "It would be a cycle of folders, or become one: see FOLDERS in eslint.config.mjs.",
          },
        ],
      },
    ],
  },
})).slice(0, -1);

const only = (file, ...allowed) => ({
  files: [file],
  rules: { "no-restricted-syntax": restrict(...allowed) },
});

export default [
  { ignores: ["src/api/generated/**"] },
  {
    files: ["src/**/*.ts", "src/**/*.tsx"],
    languageOptions: { parser, parserOptions: { ecmaFeatures: { jsx: true } } },
    linterOptions: { reportUnusedDisableDirectives: "error" },
    plugins: { compat },
    settings: { polyfills: POLYFILLS, lintAllEsApis: true },
    rules: { "compat/compat": "error", "no-restricted-syntax": restrict() },
  },
  ...onlyFromBelow,
  only("src/browser/storage.ts", "STORAGE"),
  only("src/api/problem.ts", "EXCEPTIONS_TEXT"),
  only("src/lib/stripe-errors.ts", "EXCEPTIONS_TEXT"),
  only("src/components/checkout/declined.ts", "NOTHING_WAS_CHARGED"),
];
