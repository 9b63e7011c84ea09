/** Stripe's API as a browser calls it: forms in, JSON out, the publishable key in the header. */

/**
 * @typedef {Record<string, any>} Params
 * @typedef {{base: string, key: string, account?: string, version?: string}} Connection
 */

const NO_CONNECTION = {
  type: "api_connection_error",
  message:
    "We are experiencing issues connecting to our payments provider. Please check your internet connection and try again.",
};

/**
 * Lays nested parameters out as `a[b][0]=c`; undefined and null are left out, as Stripe.js does.
 * @param {Params} params
 * @returns {URLSearchParams}
 */
export function encodeForm(params) {
  const form = new URLSearchParams();
  const put = (name, value) => {
    if (value === undefined || value === null) return;
    if (typeof value !== "object") {
      form.append(name, String(value));
      return;
    }
    for (const [key, inner] of Object.entries(value)) put(name ? `${name}[${key}]` : key, inner);
  };
  put("", params);
  return form;
}

/**
 * Makes one call. What Stripe refuses comes back as `{error}`, and so does a network that fails: Stripe.js never
 * rejects for either.
 * @param {Connection} connection
 * @param {"GET" | "POST"} method
 * @param {string} path
 * @param {Params} params
 * @returns {Promise<{object?: any, error?: any}>}
 */
export async function callApi(connection, method, path, params) {
  const headers = { Authorization: `Bearer ${connection.key}`, Accept: "application/json" };
  if (connection.account) headers["Stripe-Account"] = connection.account;
  if (connection.version) headers["Stripe-Version"] = connection.version;
  const form = encodeForm(params);
  const query = method === "GET" && String(form) ? `?${form}` : "";
  try {
    const answer = await fetch(`${connection.base}${path}${query}`, {
      method,
      headers,
      body: method === "POST" ? form : undefined,
      credentials: "omit",
      referrerPolicy: "no-referrer",
    });
    const body = await answer.json();
    return answer.ok ? { object: body } : { error: body.error };
  } catch {
    return { error: { ...NO_CONNECTION } };
  }
}
