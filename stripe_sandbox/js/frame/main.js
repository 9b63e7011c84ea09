/** Runs in an element's frame: fills it, reports what happens in it, and sends what was typed to Stripe's API. */
import { callApi } from "../shared/api.js";
import { Link } from "./link.js";
import { PaymentView } from "./payment-view.js";
import { Siblings } from "./siblings.js";
import { SingleView } from "./single-view.js";

const told = new URLSearchParams(window.location.hash.slice(1));
const type = told.get("type");
const link = new Link(told);
let view = null;
let siblings = null;
let connection = null;
let lastChange = "";

function start({ connection: given, shared, options }) {
  if (view) return;
  // The key is the page's; where it is used is not for the page to say.
  connection = { ...given, base: window.location.origin };
  const hooks = { changed: () => queueMicrotask(report), connection };
  view =
    type === "payment"
      ? new PaymentView(options, shared, hooks)
      : new SingleView(type, options, shared, hooks);
  siblings = new Siblings(shared.group, type, contribute);
  siblings.onBrand = (start) => view.knowBrand?.(start);
  document.body.dataset.type = type;
  document.body.append(view.root);
  new ResizeObserver(tellSize).observe(document.body);
  void showUp();
}

async function showUp() {
  const { error } = (await view.prepare?.()) ?? {};
  if (error) {
    link.tell("loaderror", { error });
    return;
  }
  lastChange = JSON.stringify(view.snapshot());
  tellSize();
  link.tell("ready");
}

function tellSize() {
  link.tell("size", { height: Math.ceil(document.body.getBoundingClientRect().height * 10) / 10 });
}

/** Tells of a change, once, and only when there is one. */
function report() {
  const now = view.snapshot();
  const text = JSON.stringify(now);
  if (text === lastChange || !lastChange) return;
  lastChange = text;
  link.tell("change", now);
  if (now.brand) siblings.tellBrand(view.numberStart);
}

/** What this frame adds to the card of the sibling that asks. */
function contribute() {
  const error = view.check(true);
  return error ? { error } : { card: view.entered().data };
}

async function submit() {
  const error = view.check();
  return error ? { error } : { type: view.snapshot().value?.type };
}

/** Sends a form, with the card put where it belongs; the page gets the answer alone. */
async function post({ path, form, as, siblings: others = [] }) {
  const own = view.check();
  const parts = await siblings.collect(others);
  const error = own ?? parts.find((part) => part.error)?.error;
  if (error) return { error };
  const { type: kind, data, billing } = view.entered();
  const card = Object.assign({}, data, ...parts.map((part) => part.card));
  return callApi(connection, "POST", path, place(form, as, kind, card, billing));
}

function place(form, as, kind, card, billing) {
  if (as === "card") return { ...form, card: { ...form.card, ...card } };
  const inner = as === "payment_method" ? form : (form.payment_method_data ?? {});
  const details = { ...billing, ...inner.billing_details };
  if (billing?.address) details.address = { ...billing.address, ...inner.billing_details?.address };
  const method = { ...inner, type: kind, [kind]: card, billing_details: details };
  return as === "payment_method" ? method : { ...form, payment_method_data: method };
}

link.onCommand("init", start);
link.onCommand("update", (given) => view?.update(given));
link.onCommand("focus", () => view?.focus());
link.onCommand("blur", () => document.activeElement?.blur());
link.onCommand("clear", () => view?.clear());
link.onCommand("collapse", () => view?.collapse?.());
link.onCall("submit", submit);
link.onCall("post", post);

// Focus that moves from field to field within the frame is neither gained nor lost.
document.addEventListener("focusin", ({ relatedTarget }) => relatedTarget ?? link.tell("focus"));
document.addEventListener("focusout", ({ relatedTarget }) => relatedTarget ?? link.tell("blur"));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") link.tell("escape");
  if (event.key === "Enter" && event.target.matches("input")) link.tell("enter");
});
link.tell("hello");
