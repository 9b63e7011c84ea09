/** The page's end of an element's frame: opens it, and talks with it and nobody else. */

export const CHANNEL = "stripe_sandbox.element";
const PATIENCE_MS = 15_000;
let framesOpened = 0;

/**
 * @typedef {object} FrameSetup
 * @property {string} base the sandbox's origin
 * @property {string} type the element's type
 * @property {string} title what a screen reader calls the frame
 * @property {() => object} hello what the frame is told first
 * @property {(event: string, data: any) => void} heard called with everything that the frame reports
 * @property {() => void} silent called when the frame does not come up
 */

/** One iframe and the conversation with it. */
export class Frame {
  #setup;
  #calls = new Map();
  #callsMade = 0;
  #listen = (event) => this.#receive(event);

  /** @param {FrameSetup} setup */
  constructor(setup) {
    this.#setup = setup;
    this.id = `element-${++framesOpened}`;
    this.ready = new Promise((resolve) => {
      this.#markReady = resolve;
    });
    this.iframe = this.#makeIframe();
    window.addEventListener("message", this.#listen);
    this.#timer = setTimeout(setup.silent, PATIENCE_MS);
  }

  #markReady;
  #timer;
  #closed = false;
  #listening = false;

  #makeIframe() {
    const iframe = document.createElement("iframe");
    // The frame answers to this origin alone, which the browser guarantees; the fragment never leaves the browser.
    const told = new URLSearchParams({ id: this.id, type: this.#setup.type, origin: window.location.origin });
    iframe.src = `${this.#setup.base}/v3/element.html#${told}`;
    iframe.title = this.#setup.title;
    iframe.name = `__stripe_sandbox_${this.id}`;
    iframe.setAttribute("scrolling", "no");
    return iframe;
  }

  /**
   * Tells the frame something; before it listens there is no need to, for then it is told everything.
   * @param {string} event
   * @param {any} [data]
   */
  tell(event, data) {
    if (!this.#listening) return;
    const message = { channel: CHANNEL, id: this.id, event, data };
    this.iframe.contentWindow?.postMessage(message, this.#setup.base);
  }

  /**
   * Asks the frame for something, once it is ready.
   * @param {string} action
   * @param {any} [data]
   * @returns {Promise<any>}
   */
  async ask(action, data) {
    await this.ready;
    if (this.#closed) return { gone: true };
    const call = ++this.#callsMade;
    return new Promise((resolve) => {
      this.#calls.set(call, resolve);
      this.tell("call", { call, action, data });
    });
  }

  /** Forgets the frame; whoever still waits for it is told that it is gone. */
  close() {
    this.#closed = true;
    this.#markReady();
    clearTimeout(this.#timer);
    window.removeEventListener("message", this.#listen);
    this.iframe.remove();
    for (const resolve of this.#calls.values()) resolve({ gone: true });
    this.#calls.clear();
  }

  #receive({ origin, source, data: message }) {
    if (origin !== this.#setup.base || source !== this.iframe.contentWindow) return;
    if (message?.channel !== CHANNEL || message.id !== this.id) return;
    const { event, data } = message;
    if (event === "hello") {
      this.#listening = true;
      this.tell("init", this.#setup.hello());
    } else if (event === "answer") {
      this.#calls.get(data.call)?.(data.result);
      this.#calls.delete(data.call);
    } else {
      if (event === "ready" || event === "loaderror") clearTimeout(this.#timer);
      if (event === "ready") this.#markReady();
      this.#setup.heard(event, data);
    }
  }
}
