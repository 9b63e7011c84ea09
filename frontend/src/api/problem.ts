/** An error whose message was written for people; no other message is ever shown. */
export class ReadableError extends Error {}

/** An error of the API as it tells it: RFC 9457, with a stable `code` and a `detail` a person can act on. */
export class Problem extends ReadableError {
  readonly code: string;
  readonly status: number;
  readonly extra: Record<string, unknown>;
  /** Seconds after which the server wants to be asked again; undefined when it did not say. */
  readonly retryAfterS: number | undefined;

  constructor(body: unknown, status: number, headers?: Headers) {
    const fields = typeof body === "object" && body !== null ? (body as Record<string, unknown>) : {};
    const { code, detail } = fields;
    // Without a code it is no answer of ours: of a proxy, or of something that broke, whose words are not for people.
    const isOurs = typeof code === "string" && typeof detail === "string" && detail !== "";
    super(isOurs ? detail : textOfStatus(status));
    this.name = "Problem";
    this.code = typeof code === "string" ? code : "unknown";
    this.status = status;
    this.extra = fields;
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

/** Whether what was asked for is not there, or not ours: asking again is of no use. */
export const isNotFound = (error: unknown) => error instanceof Problem && error.status === 404;

/** Whether nobody knows what came of a request: the answer was lost, or the server failed over it. */
export const isOutcomeUnknown = (error: unknown) =>
  !(error instanceof Problem) || error.status === 0 || error.status >= 500;

/** Says in plain words what went wrong, whatever was thrown. */
export function errorText(error: unknown): string {
  if (error instanceof ReadableError && error.message) return error.message;
  return "Something went wrong in this page. Load it again and look how things stand.";
}

type ClientResult<T> = { data?: T; error?: unknown; response?: Response };

/** Returns what a call of the generated client answered; throws a Problem when it failed. */
export async function unwrap<T>(call: Promise<ClientResult<T>>): Promise<T> {
  const { data, error, response } = await call;
  if (!response) throw new Problem(null, 0);
  if (!response.ok || error !== undefined) throw new Problem(error, response.status, response.headers);
  return data as T;
}
