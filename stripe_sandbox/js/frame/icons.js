/** Small marks of the card brands, drawn here: plain enough to be no one's logo file, clear enough to be known. */
import { svg } from "./dom.js";

const WIDTH = 32;
const HEIGHT = 20;

const text = (words, fill, x, size, more = {}) =>
  svg(
    "text",
    {
      x,
      y: 10,
      fill,
      "font-size": size,
      "font-weight": 800,
      "font-family": "Arial, Helvetica, sans-serif",
      "text-anchor": "middle",
      "dominant-baseline": "central",
      ...more,
    },
    words,
  );
const circle = (cx, r, fill, more = {}) => svg("circle", { cx, cy: 10, r, fill, ...more });
const bar = (x, width, fill, more = {}) => svg("rect", { x, y: 4, width, height: 12, rx: 2, fill, ...more });

const DRAWINGS = {
  visa: () => [
    "#fff",
    text("VISA", "#1434cb", 16, 10.5, { "font-style": "italic", "letter-spacing": "-.2" }),
  ],
  mastercard: () => [
    "#fff",
    circle(12.5, 6, "#eb001b"),
    circle(19.5, 6, "#f79e1b"),
    svg("path", { d: "M16 5.1a6 6 0 0 1 0 9.8 6 6 0 0 1 0-9.8z", fill: "#ff5f00" }),
  ],
  amex: () => ["#016fd0", text("AMEX", "#fff", 16, 9)],
  discover: () => [
    "#fff",
    svg("path", { d: "M31.5 11v6.5a2 2 0 0 1-2 2H12c9-1.5 16-4.5 19.5-8.5z", fill: "#f47216" }),
    text("DISC", "#1a1f36", 9.5, 6.5),
    circle(19, 2.9, "#f47216"),
    text("VR", "#1a1f36", 26, 6.5),
  ],
  diners: () => [
    "#fff",
    circle(16, 6.5, "#0a5ba4"),
    circle(16, 5, "#fff"),
    bar(14.2, 1.2, "#0a5ba4", { y: 6.2, height: 7.6 }),
    bar(16.6, 1.2, "#0a5ba4", { y: 6.2, height: 7.6 }),
  ],
  jcb: () => ["#fff", bar(7, 5.4, "#0e4c96"), bar(13.3, 5.4, "#c8102e"), bar(19.6, 5.4, "#1b8a3c")],
  unionpay: () => {
    const skew = { transform: "skewX(-12) translate(2 0)" };
    return ["#fff", bar(6, 7, "#d10429", skew), bar(13, 7, "#022e64", skew), bar(20, 7, "#076f74", skew)];
  },
  unknown: () => [
    "#e9edf3",
    svg("rect", { x: 0, y: 4, width: WIDTH, height: 4, fill: "#8a94a6" }),
    svg("rect", { x: 4, y: 12, width: 9, height: 2.4, rx: 1.2, fill: "#a9b2c1" }),
  ],
  bank: () => [
    "#fff",
    svg("path", {
      d: "M16 3 7 7.5V9h18V7.5zM9 10.5h2.2v4H9zm5.9 0h2.2v4h-2.2zm5.9 0H23v4h-2.2zM7 15.5h18V17H7z",
      fill: "#42526b",
    }),
  ],
};

/**
 * Returns the mark of a brand. The name is for the eye only: what it means is said in words beside it.
 * @param {string} name
 * @returns {SVGElement}
 */
export function mark(name) {
  const [ground, ...shapes] = (DRAWINGS[name] ?? DRAWINGS.unknown)();
  const card = { x: 0.5, y: 0.5, width: WIDTH - 1, height: HEIGHT - 1, rx: 2.5 };
  return svg(
    "svg",
    { class: "Mark", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, "aria-hidden": "true", "data-brand": name },
    svg("rect", { ...card, fill: ground }),
    ...shapes,
    svg("rect", { ...card, fill: "none", stroke: "#1a1f36", "stroke-opacity": ".14" }),
  );
}
