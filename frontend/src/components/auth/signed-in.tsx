"use client";
import type { ReactNode } from "react";
import { ButtonLink } from "@/components/ui/button";
import { Empty } from "@/components/ui/empty";
import { Loading } from "@/components/ui/skeleton";
import { useAccount } from "@/lib/use-account";
import { useHere } from "@/lib/use-here";

/** Shows its content to those who are signed in, and a way in to all others, which leads back here. */
export function SignedIn({ why, children }: { why: string; children: ReactNode }) {
  const account = useAccount();
  const here = useHere();
  if (account === undefined) return <Loading />;
  if (account) return children;
  const next = encodeURIComponent(here);
  return (
    <Empty
      title="Sign in to go on"
      action={
        <div className="flex flex-wrap justify-center gap-3">
          <ButtonLink href={`/sign-in/?next=${next}`}>Sign in</ButtonLink>
          <ButtonLink href={`/sign-up/?next=${next}`} look="quiet">
            Create an account
          </ButtonLink>
        </div>
      }
    >
      <p>{why}</p>
    </Empty>
  );
}
