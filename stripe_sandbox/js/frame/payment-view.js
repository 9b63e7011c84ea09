/** Payment Element: the methods that the intent, or in deferred mode the page, makes possible. */
import { callApi } from "../shared/api.js";
import { h } from "./dom.js";
import { layOut } from "./layout.js";
import { methodOf } from "./methods.js";
import { applyAppearance, loadFonts } from "./style.js";

/** What the account has switched on, by currency; the same as for intents. */
const DELAYED = { usd: "us_bank_account", eur: "sepa_debit" };

/** @implements {import("./single-view.js").View} */
export class PaymentView {
  #options;
  #shared;
  #connection;
  #changed;
  /** @type {import("./methods.js").Method[]} */
  #methods = [];
  #layout = null;
  #selected = null;
  #intent = null;
  #drawn = "";

  /**
   * @param {any} options
   * @param {any} shared
   * @param {{changed: () => void, connection: import("../shared/api.js").Connection}} hooks
   */
  constructor(options, shared, { changed, connection }) {
    this.#options = options;
    this.#shared = shared;
    this.#changed = changed;
    this.#connection = connection;
    this.root = h("div", { class: "Payment" });
    applyAppearance(shared.appearance);
    loadFonts(shared.fonts);
  }

  /** Looks at the intent, when there is one already, and shows what it takes. */
  async prepare() {
    const { clientSecret } = this.#shared;
    if (clientSecret) {
      const id = clientSecret.split("_secret_")[0];
      const path = `/v1/${id.startsWith("seti_") ? "setup" : "payment"}_intents/${id}`;
      const { object, error } = await callApi(this.#connection, "GET", path, { client_secret: clientSecret });
      if (error) return { error };
      this.#intent = object;
    }
    this.#draw();
    return {};
  }

  snapshot() {
    const method = this.#chosen;
    return {
      empty: method?.empty() ?? true,
      complete: method?.complete() ?? false,
      collapsed: !method,
      value: { type: this.#selected ?? "" },
    };
  }

  check() {
    if (this.#chosen) return this.#chosen.check();
    return {
      type: "validation_error",
      code: "incomplete_payment_details",
      message: "Please select a payment method.",
    };
  }

  entered() {
    const { defaultValues } = this.#options;
    return { type: this.#selected, data: this.#chosen.data(), billing: defaultValues?.billingDetails };
  }

  clear() {
    for (const method of this.#methods) method.clear();
    this.#changed();
  }

  focus() {
    (this.#chosen ?? this.#methods[0])?.focus();
  }

  collapse() {
    if (this.#methods.length > 1) this.#select(null);
  }

  update({ options, shared }) {
    if (options) this.#options = options;
    if (shared) {
      this.#shared = shared;
      applyAppearance(shared.appearance);
    }
    this.#draw();
  }

  get #chosen() {
    return this.#methods.find(({ type }) => type === this.#selected);
  }

  /** Draws anew only when the methods or their layout changed, so that what was typed stays. */
  #draw() {
    const types = this.#types();
    const { type = "tabs", defaultCollapsed = false, radios = "auto" } = this.#layoutAsked();
    const plan = JSON.stringify([types, type, radios]);
    if (plan !== this.#drawn) {
      this.#drawn = plan;
      this.#methods = types.map((name) => methodOf(name, () => this.#changed())).filter(Boolean);
      const dots =
        radios === "always" ||
        radios === true ||
        ((radios === "auto" || radios === "if_multiple") && this.#methods.length > 1);
      this.#layout = layOut(type, this.#methods, (name) => this.#select(name), dots);
      this.root.replaceChildren(this.#layout.root);
      this.#select(defaultCollapsed && this.#methods.length > 1 ? null : (this.#methods[0]?.type ?? null));
    }
    for (const method of this.#methods) {
      method.lock(Boolean(this.#options.readOnly));
      method.agree(this.#terms(method.type));
    }
  }

  #select(type) {
    this.#selected = type;
    this.#layout.select(type);
    this.#changed();
  }

  #types() {
    const {
      currency,
      allowedPaymentMethodTypes: allowed,
      excludedPaymentMethodTypes: excluded,
      paymentMethodTypes: listed,
    } = this.#shared;
    const offered = this.#intent?.payment_method_types ?? listed ?? ["card", DELAYED[currency]];
    const kept = offered.filter(
      (type) => type && (!allowed || allowed.includes(type)) && !excluded?.includes(type),
    );
    const order = this.#options.paymentMethodOrder ?? [];
    const rank = (type) => (order.includes(type) ? order.indexOf(type) : order.length);
    return [...kept].sort((one, other) => rank(one) - rank(other));
  }

  #layoutAsked() {
    const { layout = "tabs" } = this.#options;
    const asked = typeof layout === "string" ? { type: layout } : layout;
    return { ...asked, type: asked.type === "accordion" ? "accordion" : "tabs" };
  }

  /** What the buyer agrees to when the method is kept for later, as far as the shop did not switch it off. */
  #terms(type) {
    const { terms = {}, business } = this.#options;
    const { mode, setupFutureUsage, setup_future_usage: snake } = this.#shared;
    const kept =
      mode === "setup" ||
      setupFutureUsage ||
      snake ||
      this.#intent?.setup_future_usage ||
      this.#intent?.object === "setup_intent";
    const asked = terms[type === "card" ? "card" : "usBankAccount"] ?? "auto";
    if (asked === "never" || (asked === "auto" && !kept)) return "";
    const who = business?.name ?? "this shop";
    return type === "card"
      ? `By providing your card information, you allow ${who} to charge`
      : `By continuing, you authorize ${who} to debit`;
  }
}
