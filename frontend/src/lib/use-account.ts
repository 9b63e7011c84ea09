"use client";
import { useSyncExternalStore } from "react";
import { type Account, currentAccount, subscribe } from "./session";

/** Returns who is signed in; null for a visitor, undefined until the browser has been asked. */
export function useAccount(): Account | null | undefined {
  return useSyncExternalStore<Account | null | undefined>(subscribe, currentAccount, () => undefined);
}
