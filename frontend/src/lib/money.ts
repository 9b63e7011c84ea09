/** Amounts: the API sends decimal strings; pages show formatted text; Stripe.js takes minor units. */
import { LOCALE } from "./locale";

const ZERO_DECIMAL = new Set("bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf".split(" "));
const WHOLE_UNITS = new Set(["isk", "ugx"]);
const THREE_DECIMAL = new Set("bhd jod kwd omr tnd".split(" "));

/** Decimal digits of Stripe's minor unit, which differs from ISO 4217 for some currencies. */
function exponent(currency: string): number {
  if (ZERO_DECIMAL.has(currency)) return 0;
  return THREE_DECIMAL.has(currency) ? 3 : 2;
}

function stepMinor(currency: string): number {
  if (THREE_DECIMAL.has(currency)) return 10;
  return WHOLE_UNITS.has(currency) ? 100 : 1;
}

/** Returns the minor units of a decimal string, digit by digit: no float holds money. */
export function toMinor(amount: string, currency: string): number {
  const negative = amount.startsWith("-");
  const [whole = "0", fraction = ""] = amount.replace("-", "").split(".");
  const digits = exponent(currency.toLowerCase());
  const minor = Number(whole + fraction.padEnd(digits, "0").slice(0, digits));
  return negative ? -minor : minor;
}

/** Returns the decimal string of minor units. */
export function toDecimal(minor: number, currency: string): string {
  const digits = exponent(currency.toLowerCase());
  if (!digits) return String(minor);
  const text = String(Math.abs(minor)).padStart(digits + 1, "0");
  return `${minor < 0 ? "-" : ""}${text.slice(0, -digits)}.${text.slice(-digits)}`;
}

/** Formats an amount in English. */
export function formatMoney(amount: string, currency: string): string {
  // Explicit digits: the browser's own table would show 12.50 RSD as 13.
  const code = currency.toLowerCase();
  const digits = WHOLE_UNITS.has(code) ? 0 : exponent(code);
  const format = new Intl.NumberFormat(LOCALE, {
    style: "currency",
    currency: code.toUpperCase(),
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
  // A decimal string is formatted exactly, without a float.
  return format.format(amount as unknown as number);
}

// The server says how much is too much; in rupiah that is a hundred million.
const TYPED = /^(\d{1,10})(?:[.,](\d{1,3}))?$/;

/**
 * Returns the decimal string of an amount as people type it, with a point or a comma: "12,50" is 12.50.
 *
 * Null for anything else. "1,000" may be a thousand or one, so it is refused where the currency has two decimals.
 */
export function parseAmount(typed: string, currency: string): string | null {
  const match = TYPED.exec(typed.replace(/[\s\u00a0\u202f]/g, ""));
  if (!match) return null;
  const [, whole = "", fraction = ""] = match;
  const digits = WHOLE_UNITS.has(currency.toLowerCase()) ? 0 : exponent(currency.toLowerCase());
  if (fraction.length > digits) return null;
  return digits ? `${whole}.${fraction.padEnd(digits, "0")}` : whole;
}

/** Dollars of the smallest charge: it tells by how many zeros a currency has larger figures. */
const DOLLARS_MINIMUM = 0.5;

/**
 * Returns an amount that suits a currency: so many units, with more zeros where money has larger figures.
 *
 * The smallest charge tells how many: 25 is 25.00 with 0.50 in dollars, 2500 with 50 in yen, 250000.00 with 10000.00 in
 * rupiah.
 */
export function roundAmount(units: number, currency: string, minimum: string): string {
  const zeros = Math.floor(Math.log10(Math.max(Number(minimum) / DOLLARS_MINIMUM, 1)));
  const amount = units + "0".repeat(zeros);
  return parseAmount(amount, currency) ?? amount;
}

export const isZero = (amount: string) => !/[1-9]/.test(amount);

export type Split = { creditsMinor: number; cardMinor: number };

/**
 * Predicts how the server splits a total between credits and card.
 *
 * The card pays nothing or at least the smallest charge: a total of 1000 with a balance of 980 and a minimum of 50
 * takes 950 from credits and 50 from the card. Both are multiples of what Stripe accepts: 10 in KWD, 100 in ISK.
 */
export function splitOf(
  totalMinor: number,
  balanceMinor: number,
  minimumMinor: number,
  currency: string,
): Split {
  const usable = Math.max(Math.min(totalMinor, balanceMinor), 0);
  const credits = usable - (usable % stepMinor(currency.toLowerCase()));
  const card = totalMinor - credits;
  if (card === 0 || card >= minimumMinor) return { creditsMinor: credits, cardMinor: card };
  const smallest = Math.min(minimumMinor, totalMinor);
  return { creditsMinor: totalMinor - smallest, cardMinor: smallest };
}
