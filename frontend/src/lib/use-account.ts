"use client";
import { useSyncExternalStore } from "react";
import { type Account, currentAccount, subscribe } from "@/api/session";

/** Returns the signed-in account; null for a visitor, undefined before the browser's storage is read. */
export function useAccount(): Account | null | undefined {
  return useSyncExternalStore<Account | null | undefined>(subscribe, currentAccount, () => undefined);
}
