"use client";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { type ReactNode, useEffect, useState } from "react";
import { Problem } from "@/api/problem";
import { OWN_DATA } from "@/lib/queries";
import { useAccount } from "@/lib/use-account";

/** Retries requests without a response and those that failed with a 5xx; any other response stands. */
function worthRepeating(failures: number, error: Error): boolean {
  const answered = error instanceof Problem && error.status > 0 && error.status < 500;
  return !answered && failures < 2;
}

export function Providers({ children }: { children: ReactNode }) {
  const [client] = useState(
    () => new QueryClient({ defaultOptions: { queries: { retry: worthRepeating, staleTime: 15_000 } } }),
  );
  const owner = useAccount()?.id;
  useEffect(() => {
    return () => {
      // The next account at this browser must not see what this one has loaded.
      if (owner) client.removeQueries({ queryKey: [OWN_DATA] });
    };
  }, [client, owner]);
  return <QueryClientProvider client={client}>{children}</QueryClientProvider>;
}
