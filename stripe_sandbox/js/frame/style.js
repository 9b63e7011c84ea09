/** A shop's own look, brought in through the CSSOM: rules are made empty and filled property by property. */

const PROPERTIES = new Set(
  (
    "backgroundColor color fontFamily fontSize fontSmoothing fontStyle fontVariant fontWeight lineHeight letterSpacing " +
    "textAlign padding textDecoration textShadow textTransform"
  ).split(" "),
);
const RULE_PROPERTIES = new Set([
  ...PROPERTIES,
  ...(
    "border borderBottom borderColor borderRadius borderStyle borderWidth boxShadow fill margin marginBottom marginTop " +
    "opacity outline outlineOffset paddingBottom paddingLeft paddingRight paddingTop transition"
  ).split(" "),
]);
const VARIANTS = {
  base: ".Input",
  complete: ".Input[data-complete]",
  empty: ".Input:placeholder-shown",
  invalid: '.Input[aria-invalid="true"]',
};
const PSEUDO = /^::?(hover|focus|disabled|placeholder|selection|-webkit-autofill)$/;
const RULE =
  /^\.(Input|Label|Error|Tab|TabLabel|TabIcon|Block|AccordionItem|TermsText|RadioOption)(--(selected|invalid))?(::?[a-z-]+)?$/;
const STATES = { "--selected": ".is-selected", "--invalid": '[aria-invalid="true"]' };

const kebab = (name) => name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
let sheet = null;

function fresh() {
  document.adoptedStyleSheets = document.adoptedStyleSheets.filter((one) => one !== sheet);
  sheet = new CSSStyleSheet();
  document.adoptedStyleSheets = [...document.adoptedStyleSheets, sheet];
}

function addRule(selector, look, allowed) {
  const { style } = sheet.cssRules[sheet.insertRule(`${selector} {}`, sheet.cssRules.length)];
  for (const [name, value] of Object.entries(look)) {
    if (allowed.has(name)) style.setProperty(kebab(name), String(value));
  }
}

/**
 * The `style` option of the single fields: `{base, complete, empty, invalid}`, each with pseudo classes inside.
 * @param {Record<string, any>} [look]
 */
export function applyStyle(look = {}) {
  fresh();
  for (const [variant, selector] of Object.entries(VARIANTS)) {
    const { iconColor, ...properties } = look[variant] ?? {};
    addRule(selector, properties, PROPERTIES);
    if (iconColor)
      addRule(variant === "invalid" ? ".is-invalid .Mark" : ".Mark", { color: iconColor }, PROPERTIES);
    for (const [pseudo, inner] of Object.entries(properties)) {
      if (PSEUDO.test(pseudo)) addRule(selector + pseudo, inner, PROPERTIES);
    }
  }
}

/** Stripe's own names for the parts of a look, and where `element.css` keeps them. */
const VARIABLES = {
  colorPrimary: "--primary",
  colorBackground: "--ground",
  colorText: "--text",
  colorTextSecondary: "--secondary",
  colorTextPlaceholder: "--placeholder",
  colorDanger: "--danger",
  borderRadius: "--radius",
  fontFamily: "--font",
  fontSizeBase: "--size",
  spacingUnit: "--unit",
  fontWeightMedium: "--medium",
  fontWeightNormal: "--normal",
  gridRowSpacing: "--row",
  gridColumnSpacing: "--column",
  focusBoxShadow: "--glow",
  fontLineHeight: "--leading",
};
const THEMES = {
  stripe: {},
  flat: { colorBackground: "#f1f1f1", colorText: "#1a1f36" },
  night: {
    colorPrimary: "#85d996",
    colorBackground: "#30313d",
    colorText: "#ffffff",
    colorTextSecondary: "#c3c4cc",
    colorTextPlaceholder: "#a5a6b0",
    colorDanger: "#fe87a1",
  },
};

/**
 * The `appearance` of a group: a theme, its variables, and rules for parts by name.
 * @param {{theme?: string, variables?: Record<string, string>, rules?: Record<string, object>, labels?: string}} [appearance]
 */
export function applyAppearance({ theme = "stripe", variables = {}, rules = {} } = {}) {
  fresh();
  const { style } = document.documentElement;
  const chosen = { ...THEMES[theme], ...variables };
  for (const [name, property] of Object.entries(VARIABLES)) {
    if (chosen[name]) style.setProperty(property, chosen[name]);
    else style.removeProperty(property);
  }
  for (const [selector, look] of Object.entries(rules)) {
    const [, part, state = "", , pseudo = ""] = RULE.exec(selector) ?? [];
    if (part) addRule(`.${part}${STATES[state] ?? ""}${pseudo}`, look, RULE_PROPERTIES);
  }
}

/**
 * Fonts that the shop names with an address; those inside a shop's own style sheet are not seen from here.
 * @param {{family?: string, src?: string, weight?: string, style?: string}[]} [fonts]
 */
export function loadFonts(fonts = []) {
  for (const { family, src, weight = "normal", style = "normal" } of fonts) {
    if (!family || !src) continue;
    const face = new FontFace(family, src, { weight, style });
    document.fonts.add(face);
    face.load().catch(() => console.warn(`The font ${family} could not be loaded into the Element.`));
  }
}
