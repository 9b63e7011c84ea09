/** The object that `Stripe("pk_test_…")` returns. */
import { callApi } from "../shared/api.js";
import { act, confirmCard, confirmElements, parseSecret, retrieve } from "./confirm.js";
import { Elements, isElement } from "./elements.js";
import { demand } from "./errors.js";

/**
 * @param {string} base the sandbox's origin
 * @param {string} key
 * @param {{stripeAccount?: string, apiVersion?: string, locale?: string}} [options]
 */
export function createStripe(base, key, options = {}) {
  demand(
    typeof key === "string" && key.trim(),
    "Please call Stripe() with your publishable key. You used an empty string.",
  );
  demand(
    !/^[sr]k_/.test(key),
    "You should not use your secret key with Stripe.js.\n        Please pass a publishable key instead.",
  );
  const connection = { base, key: key.trim(), account: options.stripeAccount, version: options.apiVersion };
  return {
    elements: (given) => new Elements(connection, given),
    createToken: (source, data) => createToken(source, data),
    createPaymentMethod: (...given) => createPaymentMethod(connection, ...given),
    confirmCardPayment: (...given) => confirmCard(connection, "payment", ...given),
    confirmCardSetup: (...given) => confirmCard(connection, "setup", ...given),
    confirmPayment: async (given) => confirmElements(connection, "payment", given),
    confirmSetup: async (given) => confirmElements(connection, "setup", given),
    handleNextAction: (given) => handleNextAction(connection, given?.clientSecret),
    handleCardAction: (clientSecret) => handleNextAction(connection, clientSecret, "payment"),
    retrievePaymentIntent: async (clientSecret) =>
      retrieve(connection, parseSecret(clientSecret, "stripe.retrievePaymentIntent", "payment")),
    retrieveSetupIntent: async (clientSecret) =>
      retrieve(connection, parseSecret(clientSecret, "stripe.retrieveSetupIntent", "setup")),
    // What wrappers say of themselves goes nowhere here.
    registerAppInfo: () => {},
    _registerWrapper: () => {},
  };
}

async function handleNextAction(connection, clientSecret, wanted) {
  const intent = parseSecret(clientSecret, "stripe.handleNextAction", wanted);
  const answer = await retrieve(connection, intent);
  return answer.error ? answer : act(connection, intent, answer[intent.kind.result]);
}

async function createToken(source, data = {}) {
  demand(isElement(source), "The sandbox makes tokens of a card Element only.");
  const form = { card: data };
  const { object, error } = await source._ask("post", {
    path: "/v1/tokens",
    form,
    as: "card",
    siblings: source._siblings,
  });
  return error ? { error } : { token: object };
}

/**
 * Takes the three ways of asking: `{type, card, billing_details}`, `{elements, params}` and `{element, params}`.
 * @param {import("../shared/api.js").Connection} connection
 * @param {any} given
 * @param {any} [second] the data, when the type came first as it once did
 */
async function createPaymentMethod(connection, given, second) {
  const asked = typeof given === "string" ? { type: given, ...second } : given;
  demand(asked && typeof asked === "object", "createPaymentMethod() needs an object.");
  const { card, elements, element: named, params = {}, ...rest } = asked;
  const element = isElement(card) ? card : (named ?? elements?._paying);
  const form = element ? { ...rest, ...params } : { ...rest, card };
  const path = "/v1/payment_methods";
  const { object, error } = element
    ? await element._ask("post", { path, form, as: "payment_method", siblings: element._siblings })
    : await callApi(connection, "POST", path, form);
  return error ? { error } : { paymentMethod: object };
}
