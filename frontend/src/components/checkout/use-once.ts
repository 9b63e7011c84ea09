"use client";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useRef, useState } from "react";
import { MINE } from "@/lib/queries";

export type Busy = "here" | "elsewhere" | null;

/**
 * Runs one task at a time; one that succeeds leads away from the page, so the lock stays.
 *
 * A browser may keep the page as it was left, and show it again when its reader comes back: then it is free again.
 */
export function useOnce() {
  const client = useQueryClient();
  const locked = useRef(false);
  const [busy, setBusy] = useState<Busy>(null);
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

  async function once(where: "here" | "elsewhere", task: () => Promise<void>): Promise<void> {
    if (locked.current) return;
    locked.current = true;
    setBusy(where);
    setError(null);
    try {
      await task();
    } catch (reason) {
      setError(reason);
      setBusy(null);
      locked.current = false;
      for (const changed of [MINE, "service", "sessions", "slots"])
        void client.invalidateQueries({ queryKey: [changed] });
    }
  }

  return { once, busy, error };
}
