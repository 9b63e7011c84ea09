/**
 * On a narrow screen a whole card does not fit on one line: the number has it while it is typed, and then slides aside
 * until only its last four digits show, beside expiry and security code.
 */
import { h } from "./dom.js";

/** Narrower than this, in multiples of the font's size, and number, expiry and code don't fit side by side. */
const ROOM_EM = 23;

export class SlidingNumber {
  #field;
  #line = null;
  #narrow = false;

  /** @param {import("./field.js").Field} field the number's */
  constructor(field) {
    this.#field = field;
    this.root = h("div", { class: "Slide" }, field.input);
  }

  /** @param {HTMLElement} line what the number shares with the other fields */
  watch(line) {
    this.#line = line;
    new ResizeObserver(() => this.#measure()).observe(line);
    line.addEventListener("focusin", () => this.arrange());
    line.addEventListener("focusout", () => setTimeout(() => this.arrange()));
  }

  /** Gives the line to the number, or moves it aside. */
  arrange() {
    if (!this.#line) return;
    const { input, problem, empty } = this.#field;
    const focused = document.activeElement;
    const elsewhere = this.#line.contains(focused) && focused !== input;
    const crowded = this.#narrow && !empty;
    const aside = crowded && focused !== input && (elsewhere || !problem);
    this.#line.classList.toggle("is-narrow", crowded);
    this.#line.classList.toggle("is-aside", aside);
    input.style.transform = aside ? `translateX(${-this.#hiddenPart()}px)` : "";
    this.#line.scrollLeft = 0;
    this.root.scrollLeft = 0;
  }

  #measure() {
    const size = Number.parseFloat(getComputedStyle(this.#field.input).fontSize) || 16;
    this.#narrow = this.#line.clientWidth < ROOM_EM * size;
    this.arrange();
  }

  /** How wide the digits before the last group are, in the font that they are shown in. */
  #hiddenPart() {
    const { input } = this.#field;
    const { fontStyle, fontWeight, fontSize, fontFamily, letterSpacing } = getComputedStyle(input);
    const pen = document.createElement("canvas").getContext("2d");
    pen.font = `${fontStyle} ${fontWeight} ${fontSize} ${fontFamily}`;
    pen.letterSpacing = letterSpacing === "normal" ? "0px" : letterSpacing;
    const before = input.value.slice(0, input.value.lastIndexOf(" ") + 1);
    return pen.measureText(before).width;
  }
}
