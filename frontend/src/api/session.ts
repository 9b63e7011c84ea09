/**
 * The signed-in account and its tokens.
 *
 * - The access token lives five minutes and stays in memory.
 * - The refresh token and the session token are in localStorage, not in sessionStorage: a hosted payment page or a mail
 *   may bring the buyer back in another tab. Without storage they last as long as this tab (`storage.ts`).
 * - The Content-Security-Policy keeps injected scripts from reading storage. Signing out ends the session on the server,
 *   so a copied token is then worthless.
 */

import { forgetMemory, readItem, writeItem } from "@/browser/storage";
import { Problem } from "./problem";

const KEY = "estuary.session";
const BEFORE = "estuary.before";
const AUTH = "/_allauth/app/v1";

/** `id` stays the same when the address changes; of who has signed in before it was stored, it is the session's. */
export type Account = { id: number | string; email: string; name: string; practitioner?: boolean };
type SignedInUser = { id?: number; email?: string; display?: string; practitioner?: boolean };
type Stored = {
  refresh: string;
  session: string;
  account: Omit<Account, "id"> & { id?: number };
};

let access: string | null = null;
let refreshing: Promise<string | null> | null = null;
const listeners = new Set<() => void>();
let snapshot: { raw: string | null; account: Account | null } = { raw: null, account: null };

function readStored(): Stored | null {
  if (typeof window === "undefined") return null;
  try {
    return JSON.parse(readItem(KEY) ?? "null") as Stored | null;
  } catch {
    return null;
  }
}

function writeStored(stored: Stored | null): void {
  writeItem(KEY, stored ? JSON.stringify(stored) : null);
  for (const listener of listeners) listener();
}

function clearStored(): void {
  access = null;
  writeStored(null);
}

export function subscribe(listener: () => void): () => void {
  const fromOtherTab = (event: StorageEvent) => {
    if (event.key !== KEY) return;
    forgetMemory(KEY);
    access = null;
    listener();
  };
  listeners.add(listener);
  window.addEventListener("storage", fromOtherTab);
  return () => {
    listeners.delete(listener);
    window.removeEventListener("storage", fromOtherTab);
  };
}

/** Returns the signed-in account; the same object until the account changes. */
export function currentAccount(): Account | null {
  const raw = readItem(KEY);
  if (raw !== snapshot.raw) {
    const stored = readStored();
    const account = stored && { ...stored.account, id: stored.account.id ?? stored.session };
    snapshot = { raw, account };
  }
  return snapshot.account;
}

/** Whether anybody has signed in with this browser before. */
export const hasSignedInBefore = () => readItem(BEFORE) !== null;

/** How somebody has signed in with this browser the last time. */
export const lastMethod = (): SignInMethod => (readItem(BEFORE) === "code" ? "code" : "password");

/** Returns an access token, renewed when none is in memory; null for a visitor. */
export async function accessToken(): Promise<string | null> {
  if (access) return access;
  return readStored() ? refreshAccess(null) : null;
}

/** Renews the access token; `stale` is the refused one. Only one tab at a time uses the refresh token. */
export function refreshAccess(stale: string | null): Promise<string | null> {
  if (access && access !== stale) return Promise.resolve(access);
  refreshing ??= runInOneTab(renewAccess).finally(() => {
    refreshing = null;
  });
  return refreshing;
}

/** Runs a task in one tab at a time. A browser that refuses storage refuses locks too: then the task runs at once. */
async function runInOneTab(task: () => Promise<string | null>): Promise<string | null> {
  let running: Promise<string | null> | null = null;
  const run = () => {
    running = task();
    return running;
  };
  try {
    return (await navigator.locks.request("estuary.refresh", run)) as string | null;
  } catch {
    return running ?? task();
  }
}

async function renewAccess(): Promise<string | null> {
  const stored = readStored();
  if (!stored) return null;
  const { status, body } = await post("/tokens/refresh", { refresh_token: stored.refresh });
  if (status >= 500 || status === 429) throw new Problem(null, status);
  // Another tab has signed in or out meanwhile.
  if (readStored()?.session !== stored.session) return renewAccess();
  const tokens = body.data as { access_token?: string; refresh_token?: string } | undefined;
  if (status !== 200 || !tokens?.access_token) {
    clearStored();
    return null;
  }
  access = tokens.access_token;
  writeStored({ ...stored, refresh: tokens.refresh_token ?? stored.refresh });
  return access;
}

type AuthBody = Record<string, unknown> & {
  meta?: { access_token?: string; refresh_token?: string; session_token?: string };
  errors?: { message: string; code?: string; param?: string }[];
};

type Answer = { status: number; body: AuthBody; headers: Headers };

/** Sends a request to the addresses of sign-in, with the session of the signed-in account or another. */
export async function post(
  path: string,
  body: unknown,
  { method = "POST", session = readStored()?.session }: { method?: string; session?: string | null } = {},
): Promise<Answer> {
  const response = await fetch(AUTH + path, {
    method,
    headers: {
      "Content-Type": "application/json",
      ...(session ? { "X-Session-Token": session } : {}),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }).catch(() => {
    throw new Problem(null, 0);
  });
  const parsed: unknown = await response.json().catch(() => null);
  const isObject = typeof parsed === "object" && parsed !== null;
  return { status: response.status, body: (isObject ? parsed : {}) as AuthBody, headers: response.headers };
}

export function problemOf({ status, body, headers }: Answer): Problem {
  const errors = Array.isArray(body.errors) ? body.errors : [];
  const messages = [...new Set(errors.map(({ message }) => message).filter(Boolean))];
  const detail =
    status === 429 ? "Too many tries from here. Wait a few minutes, then try again." : messages.join(" ");
  return new Problem({ code: "sign_in_failed", detail, errors }, status, headers);
}

/** How a browser has signed in: by password, or by a mailed code. */
export type SignInMethod = "password" | "code";

/** Signs in. The account that was signed in before stays so until this succeeds; then its session is ended. */
async function authenticate(
  path: string,
  body: Record<string, string>,
  { method, session = null }: { method: SignInMethod; session?: string | null },
): Promise<void> {
  const before = readStored()?.session;
  storeTokens(await post(path, body, { session }), { method, email: body.email ?? "" });
  if (before) await endSession(before).catch(() => undefined); // it ends by itself in a day
}

/** Stores the tokens of an answer; throws a Problem if it has none. */
function storeTokens(
  answer: Answer,
  { method, email: asked }: { method: SignInMethod; email: string },
): void {
  const { access_token: token, refresh_token: refresh, session_token: session } = answer.body.meta ?? {};
  if (answer.status !== 200 || !token || !refresh) throw problemOf(answer);
  const { user } = (answer.body.data ?? {}) as { user?: SignedInUser };
  const email = user?.email ?? asked;
  access = token;
  // Stores how somebody signed in, not who.
  writeItem(BEFORE, method);
  writeStored({
    refresh,
    session: session ?? readStored()?.session ?? "",
    account: {
      id: user?.id,
      email,
      name: user?.display ?? email,
      practitioner: user?.practitioner === true,
    },
  });
}

const endSession = (session: string) => post("/auth/session", undefined, { method: "DELETE", session });

export const signIn = (email: string, password: string) =>
  authenticate("/auth/login", { email, password }, { method: "password" });

export const signUp = (email: string, password: string, name: string) =>
  authenticate("/auth/signup", { email, password, name }, { method: "password" });

/** Changes the password; whoever has none yet sets the first. Every other sign-in ends, and this one gets new tokens. */
export async function changePassword(current: string | null, next: string): Promise<void> {
  const body = { new_password: next, ...(current === null ? {} : { current_password: current }) };
  storeTokens(await post("/account/password/change", body), { method: "password", email: "" });
}

/** Has a code mailed; returns the session that waits for it. The answer is the same with and without an account. */
export async function requestCode(email: string, name: string): Promise<string> {
  const answer = await post("/auth/code/request", { email, name }, { session: null });
  const session = answer.body.meta?.session_token;
  if (answer.status !== 401 || !session) throw problemOf(answer);
  return session;
}

/** Signs in with a mailed code; whoever has no account gets one. */
export const enterCode = (session: string, code: string) =>
  authenticate("/auth/code/confirm", { code }, { method: "code", session });

/** Whether a code can't be typed once more, because it is used up or over. */
export function isCodeOver(error: unknown): boolean {
  const errors = error instanceof Problem && Array.isArray(error.extra.errors) ? error.extra.errors : [];
  return errors.some(({ code }: { code?: string }) => code === "code_used_up" || code === "no_code_expected");
}

/** Shows the account as the server has it by now, without another sign-in. */
export function updateStoredAccount(changes: Omit<Account, "id">): void {
  const stored = readStored();
  if (!stored) return;
  const account = { ...stored.account, ...changes };
  if (JSON.stringify(account) !== JSON.stringify(stored.account)) writeStored({ ...stored, account });
}

/** Forgets the tokens of an account that is closed. */
export const forgetSession = clearStored;

/** Ends the session on the server and clears the stored tokens, even when the server does not respond. */
export async function signOut(): Promise<void> {
  try {
    const session = readStored()?.session;
    if (session) await endSession(session);
  } finally {
    clearStored();
  }
}

/** Confirms an e-mail address with the key from the mail; it is shown from then on where its owner is signed in. */
export async function verifyEmail(key: string): Promise<void> {
  const { user } = ((await postKey("/auth/email/verify", { key })).data ?? {}) as { user?: SignedInUser };
  if (!user?.email) return;
  const { email, display: name = email, practitioner = false } = user;
  updateStoredAccount({ email, name, practitioner });
}

/** Without the session: one that a reset has ended would be refused. */
export const requestPasswordReset = (email: string) =>
  postKey("/auth/password/request", { email }, { session: null });

export const resetPassword = (key: string, password: string) =>
  postKey("/auth/password/reset", { key, password }, { session: null });

/** Whether the link of a mail can still set a new password: each does so once, and for a limited time. */
export async function canResetPassword(key: string): Promise<boolean> {
  const response = await fetch(`${AUTH}/auth/password/reset`, {
    headers: { "X-Password-Reset-Key": key },
  }).catch(() => {
    throw new Problem(null, 0);
  });
  if (response.status >= 500 || response.status === 429)
    throw new Problem(null, response.status, response.headers);
  return response.ok;
}

/** Posts what needs no sign-in: allauth answers 401 when it is done and nobody is signed in. */
async function postKey(path: string, body: unknown, options?: { session: null }): Promise<AuthBody> {
  const answer = await post(path, body, options);
  if (answer.status !== 200 && answer.status !== 401) throw problemOf(answer);
  return answer.body;
}
