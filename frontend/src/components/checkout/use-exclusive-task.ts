"use client";
import { useQueryClient } from "@tanstack/react-query";
import { useCallback, useEffect, useRef, useState } from "react";
import { OWN_DATA } from "@/lib/queries";

/** Where the buyer is paying: with the form, or on Stripe's hosted page. */
export type PaymentPlace = "form" | "hosted";

/**
 * Runs one task at a time. A task that succeeds leaves the page, so the lock stays, unless the task says that it `staysHere`.
 *
 * A browser may restore the page from its back/forward cache: then the lock is released.
 */
export function useExclusiveTask() {
  const client = useQueryClient();
  const locked = useRef(false);
  const [busy, setBusy] = useState<PaymentPlace | null>(null);
  const [error, setError] = useState<unknown>(null);
  const unlock = useCallback(() => {
    locked.current = false;
    setBusy(null);
  }, []);

  useEffect(() => {
    const unlockRestored = ({ persisted }: PageTransitionEvent) => {
      if (persisted) unlock();
    };
    window.addEventListener("pageshow", unlockRestored);
    return () => window.removeEventListener("pageshow", unlockRestored);
  }, [unlock]);

  async function runExclusive(
    place: PaymentPlace,
    task: () => Promise<void>,
    { staysHere = false } = {},
  ): Promise<void> {
    if (locked.current) return;
    locked.current = true;
    setBusy(place);
    setError(null);
    try {
      await task();
      if (staysHere) unlock();
    } catch (reason) {
      setError(reason);
      unlock();
      for (const changed of [OWN_DATA, "service", "sessions", "slots"])
        void client.invalidateQueries({ queryKey: [changed] });
    }
  }

  return { runExclusive, busy, error };
}
