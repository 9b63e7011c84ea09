"use client";
import { type ReactNode, useState } from "react";
import { ButtonLink } from "@/components/ui/button";
import { Card, CardTitle } from "@/components/ui/card";
import { Empty } from "@/components/ui/empty";
import { Loading } from "@/components/ui/skeleton";
import { focusOn } from "@/lib/focus";
import { wasHereBefore } from "@/lib/session";
import { useAccount } from "@/lib/use-account";
import { useHere } from "@/lib/use-here";
import { EntryHere, type EntryKind } from "./credentials-form";

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

/** The same with the form itself, so that what was chosen stays in sight; who was here before is asked to sign in. */
export function SignedInHere({ why, children }: { why: string; children: ReactNode }) {
  const account = useAccount();
  const [picked, setPicked] = useState<EntryKind | null>(null);
  const [entered, setEntered] = useState(false);
  if (account === undefined) return <Loading />;
  if (account) {
    return (
      <div ref={entered ? focusOn : undefined} tabIndex={-1} className="outline-none">
        {children}
      </div>
    );
  }
  const kind = picked ?? (wasHereBefore() ? "sign-in" : "sign-up");
  return (
    <Card>
      <CardTitle>{kind === "sign-in" ? "Sign in to go on" : "Create an account to go on"}</CardTitle>
      <p className="mt-1 mb-5 text-soft">{why}</p>
      <EntryHere kind={kind} onKind={setPicked} onDone={() => setEntered(true)} />
    </Card>
  );
}
