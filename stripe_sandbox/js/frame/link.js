/** The frame's end of the conversation with the page that it is on. */

const CHANNEL = "stripe_sandbox.element";

export class Link {
  #id;
  #page;
  #actions = new Map();
  #commands = new Map();

  /** @param {URLSearchParams} told by the page, in the frame's address */
  constructor(told) {
    this.#id = told.get("id");
    this.#page = told.get("origin");
    window.addEventListener("message", (event) => this.#receive(event));
  }

  /**
   * Tells the page something.
   * @param {string} event
   * @param {any} [data]
   */
  tell(event, data) {
    window.parent.postMessage({ channel: CHANNEL, id: this.#id, event, data }, this.#page);
  }

  /**
   * What to do when the page says so.
   * @param {string} command
   * @param {(data: any) => void} react
   */
  onCommand(command, react) {
    this.#commands.set(command, react);
  }

  /**
   * What to answer when the page asks.
   * @param {string} action
   * @param {(data: any) => Promise<any>} answer
   */
  onCall(action, answer) {
    this.#actions.set(action, answer);
  }

  #receive({ origin, source, data: message }) {
    if (origin !== this.#page || source !== window.parent) return;
    if (message?.channel !== CHANNEL || message.id !== this.#id) return;
    const { event, data } = message;
    if (event === "call") void this.#answer(data);
    else this.#commands.get(event)?.(data ?? {});
  }

  async #answer({ call, action, data }) {
    const result = await this.#actions.get(action)?.(data ?? {});
    this.tell("answer", { call, result: result ?? {} });
  }
}
