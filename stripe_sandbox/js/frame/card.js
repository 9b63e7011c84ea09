/** What card numbers, expiry dates and security codes look like, and what is wrong with one. No DOM in here. */

/**
 * @typedef {{name: string, label: string, starts: RegExp, lengths: number[], gaps: number[], cvc: number}} Brand
 * @typedef {{code: string, message: string}} Problem
 */

const FOURS = [4, 8, 12];
const OLD_STYLE = [4, 10];

/** @type {Brand[]} */
const BRANDS = [
  { name: "visa", label: "Visa", starts: /^4/, lengths: [16], gaps: FOURS, cvc: 3 },
  {
    name: "mastercard",
    label: "Mastercard",
    starts: /^(5[1-5]|2(22[1-9]|2[3-9]|[3-6]|7[01]|720))/,
    lengths: [16],
    gaps: FOURS,
    cvc: 3,
  },
  { name: "amex", label: "American Express", starts: /^3[47]/, lengths: [15], gaps: OLD_STYLE, cvc: 4 },
  { name: "discover", label: "Discover", starts: /^(6011|64[4-9]|65)/, lengths: [16], gaps: FOURS, cvc: 3 },
  {
    name: "diners",
    label: "Diners Club",
    starts: /^(30[0-5]|3095|36|3[89])/,
    lengths: [14, 16],
    gaps: OLD_STYLE,
    cvc: 3,
  },
  { name: "jcb", label: "JCB", starts: /^35(2[89]|[3-8])/, lengths: [16], gaps: FOURS, cvc: 3 },
  { name: "unionpay", label: "UnionPay", starts: /^(62|81)/, lengths: [16, 17, 18, 19], gaps: FOURS, cvc: 3 },
];
/** @type {Brand} */
const UNKNOWN = { name: "unknown", label: "Card", starts: /^/, lengths: [16], gaps: FOURS, cvc: 3 };
const SIXTEEN = 16;
/** Further away is a slip of the finger. */
const MAX_YEARS_AHEAD = 50;

/** @param {string} text */
export const digitsOf = (text) => text.replace(/\D/g, "");

/**
 * @param {string} number
 * @returns {Brand}
 */
export const brandOf = (number) => BRANDS.find(({ starts }) => starts.test(number)) ?? UNKNOWN;

/** @param {string} number */
export const maxLength = (number) => Math.max(...brandOf(number).lengths);

/**
 * Groups the digits as they are printed on the card.
 * @param {string} number
 */
export function formatNumber(number) {
  const { name, gaps } = brandOf(number);
  // Diners cards are printed in fours when they have sixteen digits.
  const breaks = name === "diners" && number.length === SIXTEEN ? FOURS : gaps;
  return [...number].map((digit, place) => (breaks.includes(place) ? ` ${digit}` : digit)).join("");
}

/** @param {string} number */
export function passesLuhn(number) {
  const sum = [...number].reverse().reduce((total, digit, place) => {
    const value = Number(digit) * (place % 2 ? 2 : 1);
    return total + (value > 9 ? value - 9 : value);
  }, 0);
  return sum % 10 === 0;
}

/**
 * @param {string} number
 * @returns {Problem | null}
 */
export function problemOfNumber(number) {
  const { lengths } = brandOf(number);
  if (number.length < Math.min(...lengths)) {
    return { code: "incomplete_number", message: "Your card number is incomplete." };
  }
  if (lengths.includes(number.length) && passesLuhn(number)) return null;
  if (number.length < Math.max(...lengths)) {
    return { code: "incomplete_number", message: "Your card number is incomplete." };
  }
  return { code: "invalid_number", message: "Your card number is invalid." };
}

/**
 * Lays digits out as `MM / YY`; a month can't start with 2 to 9, so it gets its zero.
 * @param {string} typed
 * @param {boolean} growing whether something was added, as opposed to deleted
 */
export function formatExpiry(typed, growing) {
  const digits = expiryDigits(typed);
  if (digits.length > 2) return `${digits.slice(0, 2)} / ${digits.slice(2)}`;
  return digits.length === 2 && growing ? `${digits} / ` : digits;
}

/** @param {string} typed */
export function expiryDigits(typed) {
  const [, month, year] = /^\s*(\d{1,2})\s*\/\s*(\d*)/.exec(typed) ?? [];
  const all = month ? month.padStart(2, "0") + year : digitsOf(typed);
  const padded = /^[2-9]/.test(all) ? `0${all}` : all;
  // Browsers fill in four digits of the year.
  const short = /^\d{2}20\d{2}$/.test(padded) ? padded.slice(0, 2) + padded.slice(4) : padded;
  return short.slice(0, 4);
}

/**
 * @param {string} digits as of `expiryDigits`
 * @param {Date} [today]
 * @returns {Problem | null}
 */
export function problemOfExpiry(digits, today = new Date()) {
  const month = Number(digits.slice(0, 2));
  if (digits.length >= 2 && (month < 1 || month > 12)) {
    return { code: "invalid_expiry_month", message: "Your card's expiration date is invalid." };
  }
  if (digits.length < 4) {
    return { code: "incomplete_expiry", message: "Your card's expiration date is incomplete." };
  }
  const years = yearOf(digits) - today.getFullYear();
  if (years < 0)
    return { code: "invalid_expiry_year_past", message: "Your card's expiration year is in the past." };
  if (years === 0 && month < today.getMonth() + 1) {
    return { code: "invalid_expiry_month_past", message: "Your card's expiration date is in the past." };
  }
  if (years > MAX_YEARS_AHEAD) {
    return { code: "invalid_expiry_year", message: "Your card's expiration year is invalid." };
  }
  return null;
}

/** @param {string} digits */
export const yearOf = (digits) => 2000 + Number(digits.slice(2, 4));

/**
 * @param {string} cvc
 * @param {number} length
 * @returns {Problem | null}
 */
export function problemOfCvc(cvc, length) {
  if (cvc.length >= length) return null;
  return { code: "incomplete_cvc", message: "Your card's security code is incomplete." };
}
