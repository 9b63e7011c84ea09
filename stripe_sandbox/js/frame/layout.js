/** How a Payment Element lays out its methods: as tabs over one panel, or as an accordion. */
import { h } from "./dom.js";
import { mark } from "./icons.js";

/**
 * @typedef {import("./methods.js").Method} Method
 * @typedef {{root: HTMLElement, select: (type: string | null) => void}} Layout
 */

const NEXT = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 };

/**
 * @param {"tabs" | "accordion"} kind
 * @param {Method[]} methods
 * @param {(type: string) => void} chosen
 * @param {boolean} radios whether accordion items carry a dot
 * @returns {Layout}
 */
export function layOut(kind, methods, chosen, radios) {
  if (methods.length === 1) return alone(methods[0]);
  return kind === "accordion" ? accordion(methods, chosen, radios) : tabs(methods, chosen);
}

function alone(method) {
  return {
    root: method.panel,
    select: () => {
      method.panel.hidden = false;
    },
  };
}

function makeTab({ type, label, icon, panel }, chosen) {
  panel.id = `panel-${type}`;
  panel.setAttribute("role", "tabpanel");
  panel.setAttribute("aria-labelledby", `tab-${type}`);
  const onclick = () => chosen(type);
  const told = { id: `tab-${type}`, "data-type": type, "aria-controls": panel.id, onclick };
  const content = [h("span", { class: "TabIcon" }, mark(icon)), h("span", { class: "TabLabel" }, label)];
  return h("button", { type: "button", class: "Tab", role: "tab", ...told }, ...content);
}

/** Arrow keys go from tab to tab; the Tab key goes into the panel. */
function walk(event, buttons, chosen) {
  const step = NEXT[event.key];
  if (!step) return;
  event.preventDefault();
  const place = (buttons.indexOf(document.activeElement) + step + buttons.length) % buttons.length;
  buttons[place].focus();
  chosen(buttons[place].dataset.type);
}

function tabs(methods, chosen) {
  const buttons = methods.map((method) => makeTab(method, chosen));
  const list = h("div", { class: "Tabs", role: "tablist", "aria-label": "Payment method" }, ...buttons);
  list.addEventListener("keydown", (event) => walk(event, buttons, chosen));
  const select = (wanted) =>
    methods.forEach(({ type, panel }, place) => {
      const selected = type === wanted;
      panel.hidden = !selected;
      buttons[place].classList.toggle("is-selected", selected);
      buttons[place].setAttribute("aria-selected", String(selected));
      buttons[place].tabIndex = selected || (!wanted && place === 0) ? 0 : -1;
    });
  return { root: h("div", { class: "Tabbed" }, list, ...methods.map(({ panel }) => panel)), select };
}

function accordion(methods, chosen, radios) {
  const items = methods.map(({ type, label, icon, panel }) => {
    panel.id = `panel-${type}`;
    const dot = radios ? [h("span", { class: "Dot" })] : [];
    const button = h(
      "button",
      { type: "button", class: "AccordionButton", "aria-controls": panel.id, onclick: () => chosen(type) },
      ...dot,
      mark(icon),
      h("span", {}, label),
    );
    return h("div", { class: "AccordionItem" }, button, panel);
  });
  const select = (wanted) =>
    methods.forEach(({ type, panel }, place) => {
      const selected = type === wanted;
      panel.hidden = !selected;
      items[place].classList.toggle("is-selected", selected);
      items[place].querySelector("button").setAttribute("aria-expanded", String(selected));
    });
  return { root: h("div", { class: "Accordion" }, ...items), select };
}
