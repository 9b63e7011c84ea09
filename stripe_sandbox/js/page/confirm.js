/** Confirming a payment or a set-up: send it, see the bank's challenge through, say how it ended. */
import { callApi } from "../shared/api.js";
import { challenge } from "./challenge.js";
import { isElement } from "./elements.js";
import { IntegrationError, demand } from "./errors.js";

/**
 * What differs between the two kinds of intent.
 * @typedef {{prefix: string, path: string, result: string, lastError: string, object: string, paid: string[]}} Kind
 * @type {Record<string, Kind>}
 */
const KINDS = {
  payment: {
    prefix: "pi_",
    path: "/v1/payment_intents/",
    result: "paymentIntent",
    object: "payment_intent",
    lastError: "last_payment_error",
  },
  setup: {
    prefix: "seti_",
    path: "/v1/setup_intents/",
    result: "setupIntent",
    object: "setup_intent",
    lastError: "last_setup_error",
  },
};

/**
 * @param {unknown} clientSecret
 * @param {string} caller what to name in the complaint
 * @param {"payment" | "setup"} [wanted]
 * @returns {{id: string, kind: Kind, clientSecret: string}}
 */
export function parseSecret(clientSecret, caller, wanted) {
  const text = typeof clientSecret === "string" ? clientSecret : "";
  const id = text.split("_secret_")[0];
  const kind = wanted ? KINDS[wanted] : Object.values(KINDS).find(({ prefix }) => text.startsWith(prefix));
  demand(
    kind && id !== text && text.startsWith(kind.prefix),
    `Invalid value for ${caller}: value should be a client secret of the form \${id}_secret_\${secret}. You specified: ${text || typeof clientSecret}.`,
  );
  return { id, kind, clientSecret: text };
}

/**
 * @param {import("../shared/api.js").Connection} connection
 * @param {ReturnType<typeof parseSecret>} intent
 */
export async function retrieve(connection, { id, kind, clientSecret }) {
  const { object, error } = await callApi(connection, "GET", kind.path + id, { client_secret: clientSecret });
  return error ? { error } : { [kind.result]: object };
}

/**
 * Sends a confirmation, from the Element's frame when there is one, so that the card never comes by here.
 * @param {import("../shared/api.js").Connection} connection
 * @param {ReturnType<typeof parseSecret>} intent
 * @param {object} params
 * @param {{element?: import("./element.js").StripeElement, siblings?: string[], handleActions?: boolean}} [how]
 */
export async function confirm(
  connection,
  intent,
  params,
  { element, siblings = [], handleActions = true } = {},
) {
  const path = `${intent.kind.path}${intent.id}/confirm`;
  const form = { ...params, client_secret: intent.clientSecret, use_stripe_sdk: true };
  const { object, error } = element
    ? await element._ask("post", { path, form, as: "payment_method_data", siblings })
    : await callApi(connection, "POST", path, form);
  if (error) return { error };
  return handleActions ? act(connection, intent, object) : { [intent.kind.result]: object };
}

/**
 * Does what the intent says must be done next, and says how the intent then stands.
 * @param {import("../shared/api.js").Connection} connection
 * @param {ReturnType<typeof parseSecret>} intent
 * @param {any} object
 */
export async function act(connection, intent, object) {
  const next = object.status === "requires_action" ? object.next_action : null;
  if (!next) return { [intent.kind.result]: object };
  if (next.type === "redirect_to_url") return leave(next.redirect_to_url.url);
  await challenge(connection, next.use_stripe_sdk.stripe_js);
  const answer = await retrieve(connection, intent);
  return answer.error ? answer : outcome(intent.kind, answer[intent.kind.result]);
}

/** A challenge that failed left its error on the intent; Stripe.js hands that out with the intent inside. */
function outcome(kind, object) {
  const failed = object.status === "requires_payment_method" && object[kind.lastError];
  return failed ? { error: { ...object[kind.lastError], [kind.object]: object } } : { [kind.result]: object };
}

/** Leaves the page; the promise never resolves, for there is nobody left to hear of it. */
export function leave(url) {
  window.location.assign(url);
  return new Promise(() => {});
}

/** Where a buyer comes back to, told how it went. */
export function returnAddress(returnUrl, kind, object) {
  const url = new URL(returnUrl);
  url.searchParams.set(kind.object, object.id);
  url.searchParams.set(`${kind.object}_client_secret`, object.client_secret);
  url.searchParams.set("redirect_status", object.status === "processing" ? "pending" : "succeeded");
  return url.href;
}

/**
 * `confirmCardPayment` and `confirmCardSetup`.
 * @param {import("../shared/api.js").Connection} connection
 * @param {"payment" | "setup"} wanted
 * @param {string} clientSecret
 * @param {{payment_method?: any, [param: string]: any}} [data]
 * @param {{handleActions?: boolean}} [options]
 */
export async function confirmCard(connection, wanted, clientSecret, data = {}, options = {}) {
  const caller = `stripe.confirmCard${wanted === "payment" ? "Payment" : "Setup"} intent secret`;
  const intent = parseSecret(clientSecret, caller, wanted);
  const { payment_method: method, ...params } = data;
  const how = { handleActions: options.handleActions !== false };
  if (method === undefined || typeof method === "string") {
    return confirm(connection, intent, { ...params, payment_method: method }, how);
  }
  const { card, ...rest } = method;
  if (isElement(card)) {
    const form = { ...params, payment_method_data: rest };
    return confirm(connection, intent, form, { ...how, element: card, siblings: card._siblings });
  }
  demand(card?.token, "Invalid value for payment_method.card: it should be a card Element or a token.");
  return confirm(
    connection,
    intent,
    { ...params, payment_method_data: { ...rest, type: "card", card } },
    how,
  );
}

/**
 * `confirmPayment` and `confirmSetup`.
 * @param {import("../shared/api.js").Connection} connection
 * @param {"payment" | "setup"} wanted
 * @param {{elements?: import("./elements.js").Elements, clientSecret?: string, confirmParams?: any, redirect?: string}} options
 */
export async function confirmElements(connection, wanted, options) {
  const { elements, confirmParams = {}, redirect = "always" } = options;
  const name = wanted === "payment" ? "confirmPayment" : "confirmSetup";
  const intent = parseSecret(
    options.clientSecret ?? elements?._options.clientSecret,
    `${name} clientSecret`,
    wanted,
  );
  demand(
    redirect === "if_required" || confirmParams.return_url,
    `You must provide confirmParams.return_url to stripe.${name}(), or set redirect to "if_required".`,
  );
  if (elements?._deferred && !elements._submitted && !confirmParams.payment_method) {
    throw new IntegrationError(`elements.submit() must be called before stripe.${name}().`);
  }
  const answer = await send(connection, intent, elements, confirmParams);
  const object = answer[intent.kind.result];
  if (!object || redirect === "if_required") return answer;
  return leave(returnAddress(confirmParams.return_url, intent.kind, object));
}

function send(connection, intent, elements, { confirmation_token: token, ...params }) {
  demand(!token, "The sandbox has no ConfirmationTokens.");
  const element = params.payment_method ? undefined : elements?._paying;
  demand(params.payment_method || element, "Please provide `elements` with a mounted Payment Element.");
  const form = { ...params, client_context: elements?._context };
  return confirm(connection, intent, form, { element, siblings: element?._siblings });
}
