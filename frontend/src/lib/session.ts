/**
 * The signed-in account and its tokens.
 *
 * - The access token lives five minutes and stays in memory.
 * - The refresh token and the session token are in localStorage, not in sessionStorage: a hosted payment page or a mail
 *   may bring the buyer back in another tab. Without storage they last as long as this tab (`storage.ts`).
 * - The Content-Security-Policy keeps injected scripts from reading storage. Signing out ends the session on the server,
 *   so a copied token is then worthless.
 */
import { Problem } from "@/api/problem";
import { forgetMemory, readItem, writeItem } from "./storage";

const KEY = "estuary.session";
const BEFORE = "estuary.before";
const AUTH = "/_allauth/app/v1";

export type Account = { email: string; name: string };
type Stored = { refresh: string; session: string; account: Account };

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
  if (raw !== snapshot.raw) snapshot = { raw, account: readStored()?.account ?? null };
  return snapshot.account;
}

/** Whether anybody has signed in with this browser before. */
export const hasSignedInBefore = () => readItem(BEFORE) !== null;

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
  errors?: { message: string; param?: string }[];
};

async function post(
  path: string,
  body: unknown,
  { method = "POST", session = readStored()?.session }: { method?: string; session?: string | null } = {},
): Promise<{ status: number; body: AuthBody; headers: Headers }> {
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

function problemOf({ status, body, headers }: { status: number; body: AuthBody; headers: Headers }): Problem {
  const errors = Array.isArray(body.errors) ? body.errors : [];
  const messages = [...new Set(errors.map(({ message }) => message).filter(Boolean))];
  const detail =
    status === 429 ? "Too many tries from here. Wait a few minutes, then try again." : messages.join(" ");
  return new Problem({ code: "sign_in_failed", detail }, status, headers);
}

/** Signs in. The account that was signed in before stays so until this succeeds; then its session is ended. */
async function authenticate(path: string, email: string, password: string): Promise<void> {
  const before = readStored()?.session;
  const answer = await post(path, { email, password }, { session: null });
  const { status, body } = answer;
  const meta = body.meta;
  if (status !== 200 || !meta?.access_token || !meta.refresh_token) throw problemOf(answer);
  const user = (body.data as { user?: { email?: string; display?: string } } | undefined)?.user;
  access = meta.access_token;
  // Stores that somebody signed in, not who.
  writeItem(BEFORE, "1");
  writeStored({
    refresh: meta.refresh_token,
    session: meta.session_token ?? "",
    account: { email: user?.email ?? email, name: user?.display ?? email },
  });
  if (before) await endSession(before).catch(() => undefined); // it ends by itself in a day
}

const endSession = (session: string) => post("/auth/session", undefined, { method: "DELETE", session });

export const signIn = (email: string, password: string) => authenticate("/auth/login", email, password);
export const signUp = (email: string, password: string) => authenticate("/auth/signup", email, password);

/** Ends the session on the server and clears the stored tokens, even when the server does not respond. */
export async function signOut(): Promise<void> {
  try {
    const session = readStored()?.session;
    if (session) await endSession(session);
  } finally {
    clearStored();
  }
}

/** Confirms an e-mail address with the key from the mail. */
export const verifyEmail = (key: string) => postKey("/auth/email/verify", { key });

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
async function postKey(path: string, body: unknown, options?: { session: null }): Promise<void> {
  const answer = await post(path, body, options);
  if (answer.status !== 200 && answer.status !== 401) throw problemOf(answer);
}
