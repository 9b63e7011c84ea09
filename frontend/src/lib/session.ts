/**
 * Who is signed in, and the tokens that prove it.
 *
 * The access token lives five minutes and stays in memory. The refresh token and the session
 * token are kept in localStorage, not in sessionStorage: a hosted payment page or a mail may bring the buyer back in
 * another tab, which must know them. A browser that refuses storage, or is full, keeps them for this tab (`storage.ts`).
 * What storage could lose to an injected script, the Content-Security-Policy keeps
 * scripts from doing; and signing out ends the session on the server, so that a copy of a token is worth nothing.
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

/** Returns the signed-in account, the same object until it changes. */
export function currentAccount(): Account | null {
  const raw = readItem(KEY);
  if (raw !== snapshot.raw) snapshot = { raw, account: readStored()?.account ?? null };
  return snapshot.account;
}

/** Whether somebody has signed in with this browser before. */
export const hasSignedInBefore = () => readItem(BEFORE) !== null;

/** Returns a token for the API, renewed when there is none in memory; null for a visitor. */
export async function accessToken(): Promise<string | null> {
  if (access) return access;
  return readStored() ? refreshAccess(null) : null;
}

/** Renews the access token; `stale` is the one that was refused. Only one tab at a time uses the refresh token. */
export function refreshAccess(stale: string | null): Promise<string | null> {
  if (access && access !== stale) return Promise.resolve(access);
  refreshing ??= runInOneTab(renewAccess).finally(() => {
    refreshing = null;
  });
  return refreshing;
}

/** Runs a task in one tab at a time; without locks at once, as a browser that refuses storage refuses locks too. */
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
  if (readStored()?.session !== stored.session) return renewAccess(); // meanwhile somebody signed in, or out, in another tab
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
): Promise<{ status: number; body: AuthBody }> {
  const answer = await fetch(AUTH + path, {
    method,
    headers: {
      "Content-Type": "application/json",
      ...(session ? { "X-Session-Token": session } : {}),
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  }).catch(() => {
    throw new Problem(null, 0);
  });
  const parsed: unknown = await answer.json().catch(() => null);
  const isObject = typeof parsed === "object" && parsed !== null;
  return { status: answer.status, body: (isObject ? parsed : {}) as AuthBody };
}

function problemOf(status: number, body: AuthBody): Problem {
  const errors = Array.isArray(body.errors) ? body.errors : [];
  const messages = [...new Set(errors.map(({ message }) => message).filter(Boolean))];
  const detail =
    status === 429 ? "Too many tries from here. Wait a few minutes, then try again." : messages.join(" ");
  return new Problem({ code: "sign_in_failed", detail }, status);
}

/** Signs in; whoever was signed in before stays so until that has worked, and is signed out on the server then. */
async function authenticate(path: string, email: string, password: string): Promise<void> {
  const before = readStored()?.session;
  const { status, body } = await post(path, { email, password }, { session: null });
  const meta = body.meta;
  if (status !== 200 || !meta?.access_token || !meta.refresh_token) throw problemOf(status, body);
  const user = (body.data as { user?: { email?: string; display?: string } } | undefined)?.user;
  access = meta.access_token;
  writeItem(BEFORE, "1"); // that somebody signed in here, not who
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

/** Ends the session on the server, then forgets it here; what was kept is forgotten even when nobody answers. */
export async function signOut(): Promise<void> {
  try {
    const session = readStored()?.session;
    if (session) await endSession(session);
  } finally {
    clearStored();
  }
}

/** Confirms an e-mail address with the key that a mail brought. */
export async function verifyEmail(key: string): Promise<void> {
  const { status, body } = await post("/auth/email/verify", { key });
  if (status !== 200 && status !== 401) throw problemOf(status, body);
}

export async function requestPasswordReset(email: string): Promise<void> {
  const { status, body } = await post("/auth/password/request", { email });
  if (status !== 200 && status !== 401) throw problemOf(status, body);
}

export async function resetPassword(key: string, password: string): Promise<void> {
  const { status, body } = await post("/auth/password/reset", { key, password });
  if (status !== 200 && status !== 401) throw problemOf(status, body);
}
