/** The ways to pay that a Payment Element offers: a card, and a bank debit that takes days. */
import { h } from "./dom.js";
import { CardFields, cvcField, expiryField, numberField } from "./fields.js";
import { brandOf } from "./card.js";
import { mark } from "./icons.js";

/**
 * @typedef {object} Method
 * @property {string} type
 * @property {string} label
 * @property {string} icon
 * @property {HTMLElement} panel
 * @property {() => boolean} empty
 * @property {() => boolean} complete
 * @property {() => object | undefined} check
 * @property {() => object} data what the API takes under the type's name
 * @property {() => void} clear
 * @property {() => void} focus
 * @property {(disabled: boolean) => void} lock
 * @property {(terms: string) => void} agree
 */

/** The accounts that Stripe's test mode knows: https://docs.stripe.com/testing#non-card-payments */
const BANKS = {
  us_bank_account: {
    label: "US bank account",
    works: { account_number: "000123456789", routing_number: "110000000", account_holder_type: "individual" },
    fails: { account_number: "000222222227", routing_number: "110000000", account_holder_type: "individual" },
  },
  sepa_debit: {
    label: "SEPA Direct Debit",
    works: { iban: "DE89370400440532013000" },
    fails: { iban: "DE62370400440532013001" },
  },
};
const OUTCOMES = [
  {
    value: "works",
    title: "Test bank: succeeds later",
    note: "The payment is processing for days, then it succeeds.",
  },
  {
    value: "fails",
    title: "Test bank: fails later",
    note: "The payment is processing for days, then the bank returns it.",
  },
];
const SHOWN_BRANDS = ["visa", "mastercard", "amex"];

/**
 * @param {string} type
 * @param {() => void} changed
 * @returns {Method | null} null for what the sandbox has not
 */
export function methodOf(type, changed) {
  if (type === "card") return cardMethod(changed);
  return BANKS[type] ? bankMethod(type, changed) : null;
}

/** @returns {Method} */
function cardMethod(changed) {
  const number = numberField("1234 1234 1234 1234");
  const fields = new CardFields([number, expiryField(), cvcField(() => brandOf(number.digits).cvc)]);
  const marks = h("span", { class: "Marks" });
  const labels = { number: "Card number", expiry: "Expiration date", cvc: "Security code" };
  const [first, expiry, cvc] = fields.fields.map((field) => labelled(field, labels[field.input.name]));
  first.querySelector(".InputBox").append(marks);
  const terms = h("p", { class: "TermsText", hidden: true });
  const panel = h("div", { class: "Panel" }, first, h("div", { class: "Pair" }, expiry, cvc), terms);
  const show = () => showBrand(marks, fields.brand);
  for (const field of fields.fields) {
    field.onChange = () => {
      show();
      changed();
    };
  }
  show();
  return {
    type: "card",
    label: "Card",
    icon: "unknown",
    panel,
    empty: () => fields.empty,
    complete: () => fields.complete,
    check: () => fields.check(),
    data: () => fields.card,
    clear: () => fields.clear(),
    focus: () => number.input.focus(),
    lock: (disabled) =>
      fields.fields.forEach(({ input }) => {
        input.disabled = disabled;
      }),
    agree: (text) =>
      agree(terms, text && `${text} your card for future payments in accordance with their terms.`),
  };
}

function labelled(field, label) {
  const { input, message } = field;
  input.removeAttribute("aria-label");
  message.setAttribute("role", "alert");
  const box = h("div", { class: "InputBox" }, input);
  return h("div", { class: "Field" }, h("label", { class: "Label", for: input.id }, label), box, message);
}

function showBrand(marks, brand) {
  const names = brand === "unknown" ? SHOWN_BRANDS : [brand];
  if (marks.dataset.shown === names.join()) return;
  marks.dataset.shown = names.join();
  marks.replaceChildren(...names.map(mark));
}

function agree(terms, text) {
  terms.hidden = !text;
  terms.textContent = text || "";
}

/** @returns {Method} */
function bankMethod(type, changed) {
  const { label, works, fails } = BANKS[type];
  const options = OUTCOMES.map((outcome) => bankOption(outcome, changed));
  const inputs = options.map((option) => option.querySelector("input"));
  const chosen = () => inputs.find(({ checked }) => checked).value;
  const legend = h("legend", { class: "Label" }, "Choose a bank");
  const terms = h("p", { class: "TermsText", hidden: true });
  const panel = h("div", { class: "Panel" }, h("fieldset", {}, legend, ...options), terms);
  return {
    type,
    label,
    icon: "bank",
    panel,
    empty: () => false,
    complete: () => true,
    check: () => undefined,
    data: () => (chosen() === "works" ? works : fails),
    clear: () => {
      inputs[0].checked = true;
    },
    focus: () => inputs.find(({ checked }) => checked).focus(),
    lock: (disabled) =>
      inputs.forEach((input) => {
        input.disabled = disabled;
      }),
    agree: (text) =>
      agree(
        terms,
        text && `${text} your bank account for this and future payments in accordance with their terms.`,
      ),
  };
}

function bankOption({ value, title, note }, changed) {
  const checked = value === "works";
  const input = h("input", { type: "radio", name: "bank", value, checked, onchange: changed });
  const name = h("span", { class: "RadioTitle" }, title);
  return h(
    "label",
    { class: "RadioOption" },
    input,
    h("span", {}, name, h("span", { class: "RadioNote" }, note)),
  );
}
