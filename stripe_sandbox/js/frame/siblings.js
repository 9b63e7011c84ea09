/**
 * Number, expiry and security code may be three frames. They are of one origin, so they talk with each other and the
 * page between them hears nothing; the group's name is random, so that two checkouts do not hear each other.
 */

const PATIENCE_MS = 3_000;

export class Siblings {
  #channel;
  #type;

  /**
   * @param {string} group
   * @param {string} type this frame's own
   * @param {() => object} answer what this frame contributes when a sibling asks
   */
  constructor(group, type, answer) {
    this.#type = type;
    this.#channel = new BroadcastChannel(`stripe_sandbox.${group}`);
    this.#channel.addEventListener("message", ({ data }) => {
      if (data.ask?.includes(type)) this.#channel.postMessage({ to: data.from, part: type, ...answer() });
      if (data.brand && type === "cardCvc") this.onBrand?.(data.brand);
    });
  }

  /** @type {((brand: string) => void) | undefined} */
  onBrand;

  /** @param {string} brand the number's, which says how long the security code is */
  tellBrand(brand) {
    this.#channel.postMessage({ brand });
  }

  /**
   * Asks the others for their parts.
   * @param {string[]} types
   * @returns {Promise<{card?: object, error?: object}[]>}
   */
  collect(types) {
    if (!types.length) return Promise.resolve([]);
    const from = `${this.#type}-${Math.random()}`;
    const parts = new Map();
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        this.#channel.removeEventListener("message", hear);
        resolve(types.map((type) => parts.get(type) ?? {}));
      };
      const hear = ({ data }) => {
        if (data.to !== from) return;
        parts.set(data.part, data);
        if (parts.size === types.length) end();
      };
      const timer = setTimeout(end, PATIENCE_MS);
      this.#channel.addEventListener("message", hear);
      this.#channel.postMessage({ ask: types, from });
    });
  }
}
