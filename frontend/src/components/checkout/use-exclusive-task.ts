"use client";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { OWN_DATA } from "@/lib/queries";

/** Where the buyer is paying: with the form, or on Stripe's hosted page. */
export type PaymentPlace = "form" | "hosted";

/**
 * Runs one task at a time. A task that succeeds leaves the page, so the lock stays.
 *
 * A browser may restore the page from its back/forward cache: then the lock is released.
 */
export function useExclusiveTask() {
  const client = useQueryClient();
  const locked = useRef(false);
  const [busy, setBusy] = useState<PaymentPlace | null>(null);
  const [error, setError] = useState<unknown>(null);

  useEffect(() => {
    const unlock = ({ persisted }: PageTransitionEvent) => {
      if (!persisted) return;
      locked.current = false;
      setBusy(null);
    };
    window.addEventListener("pageshow", unlock);
    return () => window.removeEventListener("pageshow", unlock);
  }, []);

  async function runExclusive(place: PaymentPlace, task: () => Promise<void>): Promise<void> {
    if (locked.current) return;
    locked.current = true;
    setBusy(place);
    setError(null);
    try {
      await task();
    } catch (reason) {
      setError(reason);
      setBusy(null);
      locked.current = false;
      for (const changed of [OWN_DATA, "service", "sessions", "slots"])
        void client.invalidateQueries({ queryKey: [changed] });
    }
  }

  return { runExclusive, busy, error };
}
