"use client";
import { useSyncExternalStore } from "react";
import { readItem, writeItem } from "@/browser/storage";
import { useConfig } from "./queries";

/** The currency that a buyer has chosen on some service; prices are shown in it wherever there is one. */
const KEY = "estuary.currency";
const listeners = new Set<() => void>();

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function chooseCurrency(currency: string): void {
  writeItem(KEY, currency);
  for (const listener of listeners) listener();
}

/** Returns the currencies that a buyer prefers, the best first: the chosen one, then the shop's. */
export function useCurrencies(): (string | null | undefined)[] {
  const chosen = useSyncExternalStore(
    subscribe,
    () => readItem(KEY),
    () => null,
  );
  const config = useConfig();
  return [chosen, config.data?.currency];
}
