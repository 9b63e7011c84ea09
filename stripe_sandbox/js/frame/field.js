/** One text field of a card: formats while somebody types, and knows what is wrong with it and when to say so. */
import { h } from "./dom.js";

/**
 * @typedef {object} Rules what differs between number, expiry and security code
 * @property {string} name
 * @property {string} label
 * @property {string} placeholder
 * @property {string} autocomplete
 * @property {(typed: string) => string} digits
 * @property {(typed: string, growing: boolean) => string} format
 * @property {(digits: string) => import("./card.js").Problem | null} problem
 * @property {(digits: string) => boolean} full whether nothing more can be typed
 */

export class Field {
  /** @type {Field | null} */
  next = null;
  /** @type {Field | null} */
  previous = null;
  /** @type {() => void} */
  onChange = () => {};
  #rules;
  #before = "";
  #left = false;
  #insisted = false;

  /**
   * @param {Rules} rules
   * @param {Record<string, string>} [attributes]
   */
  constructor(rules, attributes = {}) {
    this.#rules = rules;
    this.message = h("span", { id: `${rules.name}-error`, class: "Error" });
    this.input = h("input", {
      id: rules.name,
      name: rules.name,
      class: "Input",
      type: "text",
      inputmode: "numeric",
      autocomplete: rules.autocomplete,
      autocorrect: "off",
      autocapitalize: "none",
      spellcheck: "false",
      placeholder: rules.placeholder,
      "aria-label": rules.label,
      "aria-required": "true",
      "aria-invalid": "false",
      ...attributes,
    });
    this.input.addEventListener("input", () => this.#typed());
    this.input.addEventListener("blur", () => this.#leave());
    this.input.addEventListener("keydown", (event) => this.#key(event));
  }

  get digits() {
    return this.#rules.digits(this.input.value);
  }

  get empty() {
    return this.digits === "";
  }

  /** What is wrong, whether or not it is shown yet. */
  get problem() {
    return this.#rules.problem(this.digits);
  }

  /** What is wrong and is worth saying now: nobody is told "incomplete" while still typing. */
  get shown() {
    const { problem } = this;
    if (!problem || this.#insisted) return problem;
    const incomplete = problem.code.startsWith("incomplete");
    return incomplete && (!this.#left || this.empty) ? null : problem;
  }

  /** Says from now on what is wrong, whatever it is. */
  insist() {
    this.#insisted = true;
    this.refresh();
  }

  clear() {
    this.input.value = "";
    this.#before = "";
    this.#left = this.#insisted = false;
    this.refresh();
  }

  /** Shows what is wrong, or that nothing is. */
  refresh() {
    const { shown } = this;
    this.input.setAttribute("aria-invalid", String(Boolean(shown)));
    this.input.toggleAttribute("data-complete", !this.problem);
    if (this.message.textContent !== (shown?.message ?? "")) this.message.textContent = shown?.message ?? "";
    if (shown) this.input.setAttribute("aria-describedby", this.message.id);
    else this.input.removeAttribute("aria-describedby");
    this.onChange();
  }

  #typed() {
    const { input } = this;
    const caret = input.selectionStart ?? input.value.length;
    const atEnd = caret === input.value.length;
    const growing = input.value.length > this.#before.length;
    const behind = input.value.slice(caret).replace(/\D/g, "").length;
    const value = this.#rules.format(input.value, growing);
    if (value !== input.value) {
      input.value = value;
      if (!atEnd) this.#putCaret(behind);
    }
    this.#before = value;
    this.#insisted = this.#left = false;
    this.refresh();
    if (atEnd && growing && !this.problem && this.#rules.full(this.digits)) this.#advance();
  }

  /** Keeps the caret where it was among the digits, whatever the spaces did: so many digits are behind it. */
  #putCaret(behind) {
    const { value } = this.input;
    let place = value.length;
    for (let left = behind; place > 0 && left > 0; place -= 1) if (/\d/.test(value[place - 1])) left -= 1;
    this.input.setSelectionRange(place, place);
  }

  #advance() {
    if (document.activeElement === this.input) this.next?.input.focus();
  }

  #leave() {
    this.#left = true;
    this.refresh();
  }

  #key(event) {
    if (event.key !== "Backspace" || this.input.value || !this.previous) return;
    event.preventDefault();
    this.previous.input.focus();
  }
}
