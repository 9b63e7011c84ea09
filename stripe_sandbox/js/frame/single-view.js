/** Card Element on one line, and the fields for number, expiry and security code that stand alone. */
import { brandOf } from "./card.js";
import { h } from "./dom.js";
import { CardFields, cvcField, expiryField, numberField } from "./fields.js";
import { mark } from "./icons.js";
import { SlidingNumber } from "./sliding.js";
import { applyStyle, loadFonts } from "./style.js";

/**
 * @typedef {object} View what fills a frame
 * @property {HTMLElement} root
 * @property {() => Promise<{error?: object} | void>} [prepare]
 * @property {() => object} snapshot what a change event tells
 * @property {(quietly?: boolean) => object | undefined} check
 * @property {() => {type: string, data: object, billing?: object}} entered
 * @property {() => void} clear
 * @property {() => void} focus
 * @property {(told: {options?: any, shared?: any}) => void} update
 */

const BRANDED = ["card", "cardNumber"];

/** @implements {View} */
export class SingleView {
  #type;
  #fields;
  #icon = h("span", { class: "Icon" });
  #options = {};
  #othersBrand = "";
  #sliding = null;

  /**
   * @param {string} type
   * @param {any} options
   * @param {any} shared
   * @param {{changed: () => void}} hooks
   */
  constructor(type, options, shared, { changed }) {
    this.#type = type;
    const cvcLength = () => brandOf(this.#fields.number?.digits ?? this.#othersBrand).cvc;
    const make = {
      cardNumber: () => [numberField(options.placeholder ?? "1234 1234 1234 1234")],
      cardExpiry: () => [expiryField(options.placeholder)],
      cardCvc: () => [cvcField(cvcLength, options.placeholder)],
      card: () => [numberField(), expiryField(), cvcField(cvcLength)],
    };
    this.#fields = new CardFields(make[type]());
    this.root = this.#build();
    for (const field of this.#fields.fields) {
      field.onChange = () => {
        this.#look();
        changed();
      };
    }
    loadFonts(shared.fonts);
    this.update({ options });
  }

  snapshot() {
    const { empty, complete, shown, brand } = this.#fields;
    const more = BRANDED.includes(this.#type) ? { brand } : {};
    if (this.#type === "card") more.value = { postalCode: this.#options.value?.postalCode ?? "" };
    return { empty, complete, error: shown, ...more };
  }

  check(quietly = false) {
    if (!quietly) return this.#fields.check();
    for (const field of this.#fields.fields) field.insist();
    return this.#fields.shown;
  }

  entered() {
    const postal = this.#options.value?.postalCode;
    const billing = postal ? { address: { postal_code: postal } } : undefined;
    return { type: "card", data: this.#fields.card, billing };
  }

  clear() {
    this.#fields.clear();
  }

  focus() {
    this.#fields.fields[0].input.focus();
  }

  update({ options }) {
    if (!options) return;
    this.#options = options;
    applyStyle(options.style);
    for (const { input } of this.#fields.fields) {
      input.disabled = Boolean(options.disabled);
      if (options.placeholder && this.#type !== "card") input.placeholder = options.placeholder;
    }
    const hidden = this.#type === "card" ? options.hideIcon : !options.showIcon;
    this.#icon.hidden = !BRANDED.includes(this.#type) || Boolean(hidden);
    this.#look();
    this.#sliding?.arrange();
  }

  /** @param {string} start the first digits of a sibling's number, which say how long the code is */
  knowBrand(start) {
    this.#othersBrand = start;
    for (const field of this.#fields.fields) field.refresh();
  }

  get numberStart() {
    return this.#fields.number?.digits.slice(0, 6) ?? "";
  }

  #build() {
    const [first, ...others] = this.#fields.fields;
    const messages = this.#fields.fields.map(({ message }) => message);
    const hidden = h("div", { class: "Unseen" }, ...messages);
    if (this.#type !== "card") return h("div", { class: "Line" }, this.#icon, first.input, hidden);
    this.#sliding = new SlidingNumber(first);
    const rest = h("div", { class: "Rest" }, ...others.map(({ input }) => input));
    const line = h("div", { class: "Line Line--card" }, this.#icon, this.#sliding.root, rest, hidden);
    this.#sliding.watch(line);
    return line;
  }

  #look() {
    const { brand, shown } = this.#fields;
    if (this.#icon.dataset.brand !== brand) {
      this.#icon.dataset.brand = brand;
      this.#icon.replaceChildren(mark(brand));
    }
    this.root?.classList.toggle("is-invalid", Boolean(shown));
    this.#sliding?.arrange();
  }
}
