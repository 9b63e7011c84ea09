/** One Element: what a page mounts, listens to and asks; what is typed into it stays in its frame. */
import { IntegrationError, demand } from "./errors.js";
import { Frame } from "./frame.js";

const NOT_MOUNTED =
  "We could not retrieve data from the specified Element. Please make sure the Element you are attempting to use is still mounted.";
const TITLES = {
  card: "Secure card payment input frame",
  cardNumber: "Secure card number input frame",
  cardExpiry: "Secure expiration date input frame",
  cardCvc: "Secure CVC input frame",
  payment: "Secure payment input frame",
};
const CLASSES = {
  base: "StripeElement",
  complete: "StripeElement--complete",
  empty: "StripeElement--empty",
  focus: "StripeElement--focus",
  invalid: "StripeElement--invalid",
  webkitAutofill: "StripeElement--webkit-autofill",
};
/** The frame is this much larger than its place, so that the glow around a focused field is not cut off. */
const MARGIN_PX = 4;
/** Until the frame has said how high it is. */
const FIRST_HEIGHT_PX = { payment: 220 };
const LINE_HEIGHT_PX = 19.2;

const HOLDER_LOOK = { margin: "0", padding: "0", border: "none", display: "block", position: "relative" };
const FRAME_LOOK = {
  border: "none",
  display: "block",
  background: "transparent",
  colorScheme: "light", // the frame's own; another one would make its ground opaque
  overflow: "hidden",
  maxWidth: "none",
  minWidth: "100%",
  userSelect: "none",
};

/** Styles are set through the CSSOM, which a Content-Security-Policy without 'unsafe-inline' allows. */
function hold(iframe, type) {
  const holder = document.createElement("div");
  const margin = type === "payment" ? MARGIN_PX : 0;
  Object.assign(holder.style, HOLDER_LOOK);
  Object.assign(iframe.style, FRAME_LOOK, {
    margin: `${-margin}px`,
    width: `calc(100% + ${2 * margin}px)`,
    height: `${FIRST_HEIGHT_PX[type] ?? LINE_HEIGHT_PX}px`,
  });
  holder.append(iframe);
  return holder;
}

/** @typedef {{empty: boolean, complete: boolean, error?: object, [more: string]: any}} Snapshot */

export class StripeElement {
  #group;
  #type;
  #options;
  /** @type {Frame | null} */
  #frame = null;
  /** @type {HTMLElement | null} */
  #place = null;
  #handlers = new Map();
  #worn = [];
  #focused = false;
  #destroyed = false;
  /** @type {Snapshot} */
  #state = { empty: true, complete: false, error: undefined };

  /**
   * @param {object} group what all elements of one `elements()` share
   * @param {string} type
   * @param {object} options
   */
  constructor(group, type, options) {
    this.#group = group;
    this.#type = type;
    this.#options = { ...options };
  }

  get _type() {
    return this.#type;
  }

  /** Which other Elements hold parts of the card that starts with this one. */
  get _siblings() {
    return this.#group._siblingsOf(this);
  }

  /** @param {string | HTMLElement} where */
  mount(where) {
    demand(!this.#destroyed, "This Element has already been destroyed. Please create a new one.");
    const place = typeof where === "string" ? document.querySelector(where) : where;
    demand(where, "Missing argument. Make sure to call mount() with a valid DOM element or selector.");
    demand(
      place,
      `The selector you specified (${where}) applies to no DOM elements that are currently on the page. Make sure the element exists on the page before calling mount().`,
    );
    if (this.#frame && this.#place === place) return;
    this.unmount();
    this.#place = place;
    place.replaceChildren(this.#open());
    this.#wear();
    if (this.#type === "payment") queueMicrotask(() => this.#emit("loaderstart"));
    return this;
  }

  unmount() {
    this.#frame?.close();
    this.#frame = null;
    this.#takeOff();
    this.#place?.replaceChildren();
    this.#place = null;
    this.#state = { empty: true, complete: false, error: undefined };
    this.#focused = false;
    return this;
  }

  destroy() {
    this.unmount();
    this.#destroyed = true;
    this.#handlers.clear();
    this.#group.forget(this);
    return this;
  }

  /** @param {object} options */
  update(options) {
    this.#options = { ...this.#options, ...options };
    this.#frame?.tell("update", { options: this.#plainOptions() });
    this.#wear();
    return this;
  }

  focus() {
    const frame = this.#frame;
    void frame?.ready.then(() => {
      frame.iframe.focus();
      frame.tell("focus");
    });
    return this;
  }

  blur() {
    this.#frame?.tell("blur");
    this.#frame?.iframe.blur();
    return this;
  }

  clear() {
    this.#frame?.tell("clear");
    return this;
  }

  collapse() {
    demand(this.#type === "payment", "collapse() is only there on a Payment Element.");
    this.#frame?.tell("collapse");
    return this;
  }

  /**
   * @param {string} event
   * @param {(event: any) => unknown} handler
   */
  on(event, handler) {
    demand(typeof handler === "function", `Invalid handler for the ${event} event: it must be a function.`);
    this.#handlers.set(event, [...(this.#handlers.get(event) ?? []), { handler, once: false }]);
    return this;
  }

  /**
   * @param {string} event
   * @param {(event: any) => unknown} handler
   */
  once(event, handler) {
    this.on(event, handler);
    this.#handlers.get(event).at(-1).once = true;
    return this;
  }

  /**
   * @param {string} event
   * @param {(event: any) => unknown} [handler] without it, all that listen to the event
   */
  off(event, handler) {
    const kept = handler ? (this.#handlers.get(event) ?? []).filter((one) => one.handler !== handler) : [];
    this.#handlers.set(event, kept);
    return this;
  }

  /** @param {object} shared what changed for the whole group */
  _regroup(shared) {
    this.#frame?.tell("update", { shared });
  }

  /**
   * @param {string} action
   * @param {object} [data]
   * @returns {Promise<any>}
   */
  async _ask(action, data) {
    demand(this.#frame, NOT_MOUNTED);
    const answer = await this.#frame.ask(action, data);
    if (answer.gone) throw new IntegrationError(NOT_MOUNTED);
    return answer;
  }

  #open() {
    this.#frame = new Frame({
      base: this.#group.connection.base,
      type: this.#type,
      title: this.#options.title ?? TITLES[this.#type],
      hello: () => ({
        connection: this.#group.connection,
        shared: this.#group.shared(),
        options: this.#plainOptions(),
      }),
      heard: (event, data) => this.#hear(event, data),
      silent: () =>
        this.#emit("loaderror", {
          error: { type: "api_connection_error", message: "The Element's frame did not load." },
        }),
    });
    return hold(this.#frame.iframe, this.#type);
  }

  /** Options go through `postMessage`, which takes no functions. */
  #plainOptions() {
    return JSON.parse(JSON.stringify(this.#options));
  }

  #hear(event, data) {
    if (event === "size") {
      this.#frame.iframe.style.height = `${data.height}px`;
    } else if (event === "enter") {
      this.#place?.closest("form")?.requestSubmit();
    } else if (event === "state") {
      this.#state = { ...this.#state, ...data };
      this.#wear();
    } else if (event === "change") {
      this.#state = data;
      this.#wear();
      this.#emit("change", data);
    } else {
      if (event === "focus" || event === "blur") this.#focused = event === "focus";
      this.#wear();
      this.#emit(event, data);
    }
  }

  #emit(event, data = {}) {
    const told = { elementType: this.#type, ...data };
    for (const one of this.#handlers.get(event) ?? []) {
      if (one.once) this.off(event, one.handler);
      one.handler(told);
    }
  }

  /** Puts the classes on the place that tell its state, as shops style their boxes by them. */
  #wear() {
    if (!this.#place || this.#type === "payment") return;
    const names = { ...CLASSES, ...this.#options.classes };
    const { empty, complete, error, autofilled } = this.#state;
    const states = {
      base: true,
      empty,
      complete,
      invalid: Boolean(error),
      focus: this.#focused,
      webkitAutofill: autofilled,
    };
    this.#takeOff();
    this.#worn = Object.keys(states)
      .filter((state) => states[state])
      .flatMap((state) => names[state].split(" "))
      .filter(Boolean);
    this.#place.classList.add(...this.#worn);
  }

  #takeOff() {
    this.#place?.classList.remove(...this.#worn);
    this.#worn = [];
  }
}
