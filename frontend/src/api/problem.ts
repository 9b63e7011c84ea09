/** An error whose message is written for buyers. Pages show no other error's message. */
export class ReadableError extends Error {
  /** What finds it in our logs: the id of a request or of an order; undefined when nothing was asked. */
  reference: string | undefined;
}

/** An error response of the API (RFC 9457): a stable `code`, and a `detail` that the buyer can act on. */
export class Problem extends ReadableError {
  readonly code: string;
  readonly status: number;
  readonly extra: Record<string, unknown>;
  /** Seconds after which the server allows a retry; undefined when it did not say. */
  readonly retryAfterS: number | undefined;

  constructor(body: unknown, status: number, headers?: Headers) {
    const fields = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
    const { code, detail } = fields;
    // A response without a code comes from a proxy or a crash, and its text is not written for buyers.
    const isOurs = typeof code === "string" && typeof detail === "string" && detail !== "";
    super(isOurs ? detail : textOfStatus(status));
    this.name = "Problem";
    this.code = typeof code === "string" ? code : "unknown";
    this.status = status;
    this.extra = fields;
    const { request_id: named } = fields;
    this.reference = headers?.get("X-Request-ID") ?? (typeof named === "string" ? named : undefined);
    this.retryAfterS = Number(headers?.get("Retry-After")) || undefined;
  }
}

function textOfStatus(status: number): string {
  if (status === 0) return "Estuary can't be reached. Check your connection and try again.";
  if (status === 401) return "Please sign in again to go on.";
  if (status === 404) return "There is nothing here under this address.";
  if (status === 429) return "That was a lot at once. Wait a moment and try again.";
  return "Something went wrong on our side. It is safe to try again.";
}

/** Whether the object does not exist or belongs to another account; a retry does not help. */
export const isNotFound = (error: unknown) => error instanceof Problem && error.status === 404;

/** Statuses of refusals that end by themselves or by signing in: the same request may succeed then. */
const PASSING = new Set([401, 408, 425, 429]);

/** Whether the server refused for good, in words of its own: the same request would be refused again. */
export const isRefusal = (error: unknown) =>
  error instanceof Problem &&
  error.code !== "unknown" &&
  error.status >= 400 &&
  error.status < 500 &&
  !PASSING.has(error.status);

/** Whether the outcome of a request is unknown: the response was lost, or the server failed. */
export const isOutcomeUnknown = (error: unknown) =>
  !(error instanceof Problem) || error.status === 0 || error.status >= 500;

/** Returns the message to show for anything that was thrown. */
export function errorText(error: unknown): string {
  if (error instanceof ReadableError && error.message) return error.message;
  return "Something went wrong in this page. Load it again and look how things stand.";
}

type ClientResult<T> = { data?: T; error?: unknown; response?: Response };

/** Returns the data of a call of the generated client; throws a Problem when the call failed. */
export async function unwrap<T>(call: Promise<ClientResult<T>>): Promise<T> {
  const { data, error, response } = await call;
  if (!response) throw new Problem(null, 0);
  if (!response.ok || error !== undefined) throw new Problem(error, response.status, response.headers);
  return data as T;
}
