/** Defines `window.Stripe`, as the script from js.stripe.com does. */
import { createStripe } from "./stripe.js";

// Cards go where the script came from, as they go to Stripe in life.
const scriptOrigin = new URL(document.currentScript.src).origin;

/**
 * @param {string} key
 * @param {object} [options]
 */
function Stripe(key, options) {
  return createStripe(scriptOrigin, key, options);
}
/** The release that `@stripe/stripe-js` 10 expects, so that it does not warn. */
Stripe.version = "endive";

window.Stripe ??= Stripe;
