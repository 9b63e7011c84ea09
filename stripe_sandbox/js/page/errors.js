/** What Stripe.js throws when it is used wrongly, as opposed to what it returns when a payment fails. */
export class IntegrationError extends Error {
  /** @param {string} message */
  constructor(message) {
    super(message);
    this.name = "IntegrationError";
  }
}

/**
 * @param {unknown} condition
 * @param {string} message
 */
export function demand(condition, message) {
  if (!condition) throw new IntegrationError(message);
}
