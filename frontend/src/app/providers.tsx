"use client";
import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { type ReactNode, useEffect, useState } from "react";
import { Problem } from "@/api/problem";
import { OWN_DATA } from "@/lib/queries";
import { useAccount } from "@/lib/use-account";

/** A request is repeated when nobody answered; an answer, even a no, stands. */
function worthRepeating(failures: number, error: Error): boolean {
  const answered = error instanceof Problem && error.status > 0 && error.status < 500;
  return !answered && failures < 2;
}

export function Providers({ children }: { children: ReactNode }) {
  const [client] = useState(
    () => new QueryClient({ defaultOptions: { queries: { retry: worthRepeating, staleTime: 15_000 } } }),
  );
  const email = useAccount()?.email;
  useEffect(() => {
    return () => {
      if (email) client.removeQueries({ queryKey: [OWN_DATA] }); // what one account saw is none of the next one's
    };
  }, [client, email]);
  return <QueryClientProvider client={client}>{children}</QueryClientProvider>;
}
