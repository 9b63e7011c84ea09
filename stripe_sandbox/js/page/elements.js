/** A group of Elements: one checkout's worth of fields that know of each other. */
import { demand } from "./errors.js";
import { StripeElement } from "./element.js";

const TYPES = ["card", "cardNumber", "cardExpiry", "cardCvc", "payment"];
/** Fields of their own of which the number's Element speaks for the others. */
const SPLIT = ["cardExpiry", "cardCvc"];
const CREATABLE = ["card", "cardNumber", "payment"];

export class Elements {
  #options;
  /** @type {Map<string, StripeElement>} */
  #made = new Map();
  /** Whether the fields were checked since they last changed hands, which deferred mode asks for. */
  #submitted = false;

  /**
   * @param {import("../shared/api.js").Connection} connection
   * @param {object} [options]
   */
  constructor(connection, options = {}) {
    this.connection = connection;
    this.#options = { ...options };
    this.#check();
    // Siblings find each other by this name, see `frame/siblings.js`.
    this.group = crypto.getRandomValues(new Uint32Array(4)).join("-");
  }

  get _options() {
    return this.#options;
  }

  get _deferred() {
    return Boolean(this.#options.mode);
  }

  get _submitted() {
    return this.#submitted;
  }

  /**
   * @param {string} type
   * @param {object} [options]
   * @returns {StripeElement}
   */
  create(type, options = {}) {
    demand(
      TYPES.includes(type),
      `A valid Element name must be provided. You passed ${type}; the sandbox has ${TYPES.join(", ")}.`,
    );
    demand(!this.#made.has(type), `Can only create one Element of type ${type}.`);
    demand(
      type !== "payment" || this._deferred || this.#options.clientSecret,
      "In order to create a payment element, you must pass a valid PaymentIntent or SetupIntent client secret when creating the Elements group, or a mode.",
    );
    const element = new StripeElement(this, type, options);
    this.#made.set(type, element);
    return element;
  }

  /**
   * @param {string | {__elementType: string}} wanted a type, or a component of react-stripe-js
   * @returns {StripeElement | null}
   */
  getElement(wanted) {
    const type = typeof wanted === "string" ? wanted : wanted?.__elementType;
    demand(type, "A valid Element name or component must be provided to getElement().");
    return this.#made.get(type) ?? null;
  }

  /** @param {object} options */
  async update(options) {
    this.#options = { ...this.#options, ...options };
    this.#check();
    for (const element of this.#made.values()) element._regroup(this.shared());
  }

  /** Looks at the intent again; only of use with a client secret. */
  async fetchUpdates() {
    for (const element of this.#made.values()) element._regroup(this.shared());
    return {};
  }

  /** Checks what was typed, shows what is wrong with it, and says so. */
  async submit() {
    const payment = this.#made.get("payment");
    demand(payment, "elements.submit() needs a mounted Payment Element.");
    const { error, type } = await payment._ask("submit");
    this.#submitted = !error;
    return error ? { error } : { selectedPaymentMethod: type };
  }

  /** What frames are told of the group. */
  shared() {
    const names = Object.keys(this.#options).filter((name) => name !== "customPaymentMethods");
    const plain = Object.fromEntries(names.map((name) => [name, this.#options[name]]));
    return JSON.parse(JSON.stringify({ ...plain, group: this.group }));
  }

  /**
   * Which other Elements hold parts of the card that starts with this one.
   * @param {StripeElement} element
   */
  _siblingsOf(element) {
    return element._type === "cardNumber" ? SPLIT.filter((type) => this.#made.has(type)) : [];
  }

  /** What Stripe compares with the intent, so that a page does not promise what the server did not ask for. */
  get _context() {
    if (!this._deferred) return undefined;
    const { mode, currency, setupFutureUsage, setup_future_usage: snake } = this.#options;
    return { mode, currency, setup_future_usage: setupFutureUsage ?? snake };
  }

  /** The Element that a whole group pays with. */
  get _paying() {
    const type = CREATABLE.slice().reverse().find((name) => this.#made.has(name));
    return type ? this.#made.get(type) : undefined;
  }

  /** @param {StripeElement} element */
  forget(element) {
    if (this.#made.get(element._type) === element) this.#made.delete(element._type);
  }

  #check() {
    const { mode, amount, currency } = this.#options;
    if (!mode) return;
    demand(
      ["payment", "setup", "subscription"].includes(mode),
      `Invalid value for elements(): mode should be payment, setup or subscription. You specified: ${mode}.`,
    );
    demand(
      mode === "setup" || Number.isInteger(amount),
      "Invalid value for elements(): amount must be a whole number of the currency's smallest unit.",
    );
    demand(
      mode === "setup" || /^[a-z]{3}$/.test(currency ?? ""),
      "Invalid value for elements(): currency must be a lowercase ISO code.",
    );
  }
}

/**
 * @param {unknown} value
 * @returns {value is StripeElement}
 */
export const isElement = (value) => value instanceof StripeElement;
