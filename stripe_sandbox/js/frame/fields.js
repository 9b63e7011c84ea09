/** The three fields of a card, together or each for itself. */
import {
  brandOf,
  digitsOf,
  expiryDigits,
  formatExpiry,
  formatNumber,
  maxLength,
  problemOfCvc,
  problemOfExpiry,
  problemOfNumber,
  yearOf,
} from "./card.js";
import { Field } from "./field.js";

const cut = (typed) => {
  const digits = digitsOf(typed);
  return digits.slice(0, maxLength(digits));
};

/** @param {string} [placeholder] */
export function numberField(placeholder = "Card number") {
  return new Field({
    name: "number",
    label: "Card number",
    placeholder,
    autocomplete: "cc-number",
    digits: cut,
    format: (typed) => formatNumber(cut(typed)),
    problem: problemOfNumber,
    full: (digits) => digits.length === maxLength(digits),
  });
}

/** @param {string} [placeholder] */
export function expiryField(placeholder = "MM / YY") {
  return new Field({
    name: "expiry",
    label: "Expiration date MM / YY",
    placeholder,
    autocomplete: "cc-exp",
    digits: expiryDigits,
    format: formatExpiry,
    problem: problemOfExpiry,
    full: (digits) => digits.length === 4,
  });
}

/**
 * @param {() => number} length how many digits the card's code has
 * @param {string} [placeholder]
 */
export function cvcField(length, placeholder = "CVC") {
  const short = (typed) => digitsOf(typed).slice(0, length());
  return new Field({
    name: "cvc",
    label: "Security code (CVC)",
    placeholder,
    autocomplete: "cc-csc",
    digits: short,
    format: short,
    problem: (digits) => problemOfCvc(digits, length()),
    full: (digits) => digits.length === length(),
  });
}

/** Some of the fields of a card, and what they make together. */
export class CardFields {
  /**
   * @param {Field[]} fields
   * @param {Record<string, string>} [fixed] what goes with the card and is not typed here
   */
  constructor(fields) {
    this.fields = fields;
    fields.forEach((field, place) => {
      field.next = fields[place + 1] ?? null;
      field.previous = fields[place - 1] ?? null;
    });
  }

  /** @returns {Field | undefined} */
  get number() {
    return this.fields.find(({ input }) => input.name === "number");
  }

  get brand() {
    return brandOf(this.number?.digits ?? "").name;
  }

  get empty() {
    return this.fields.every(({ empty }) => empty);
  }

  get complete() {
    return this.fields.every(({ problem }) => !problem);
  }

  /** The first thing that is wrong and worth saying. */
  get shown() {
    return asError(this.fields.map(({ shown }) => shown).find(Boolean));
  }

  /** Says what is wrong, puts the caret there, and returns it. */
  check() {
    for (const field of this.fields) field.insist();
    const wrong = this.fields.find(({ problem }) => problem);
    wrong?.input.focus();
    return asError(wrong?.problem);
  }

  /** The card as the API takes it. */
  get card() {
    const card = {};
    for (const { input, digits } of this.fields) {
      if (input.name === "expiry")
        Object.assign(card, { exp_month: Number(digits.slice(0, 2)), exp_year: yearOf(digits) });
      else card[input.name] = digits;
    }
    return card;
  }

  clear() {
    for (const field of this.fields) field.clear();
  }
}

/** @param {import("./card.js").Problem | null | undefined} problem */
const asError = (problem) => problem && { ...problem, type: "validation_error" };
