"use client";
import { type ReactNode, useState } from "react";
import { ButtonLink } from "@/components/ui/button";
import { Card, CardTitle } from "@/components/ui/card";
import { EmptyState } from "@/components/ui/empty-state";
import { Loading } from "@/components/ui/loading";
import { focusOn } from "@/lib/focus";
import { hasSignedInBefore } from "@/lib/session";
import { useAccount } from "@/lib/use-account";
import { useCurrentPath } from "@/lib/use-current-path";
import { type CredentialsKind, InlineCredentialsForm } from "./credentials-form";

/** Shows its content to those who are signed in, and a way in to all others, which leads back here. */
export function RequireSignIn({ why, children }: { why: string; children: ReactNode }) {
  const account = useAccount();
  const here = useCurrentPath();
  if (account === undefined) return <Loading />;
  if (account) return children;
  const next = encodeURIComponent(here);
  return (
    <EmptyState
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
    </EmptyState>
  );
}

/** The same with the form itself, so that what was chosen stays in sight; who was here before is asked to sign in. */
export function RequireSignInInline({ why, children }: { why: string; children: ReactNode }) {
  const account = useAccount();
  const [picked, setPicked] = useState<CredentialsKind | null>(null);
  const [entered, setEntered] = useState(false);
  if (account === undefined) return <Loading />;
  if (account) {
    return (
      <div ref={entered ? focusOn : undefined} tabIndex={-1} className="outline-none">
        {children}
      </div>
    );
  }
  const kind = picked ?? (hasSignedInBefore() ? "sign-in" : "sign-up");
  return (
    <Card>
      <CardTitle>{kind === "sign-in" ? "Sign in to go on" : "Create an account to go on"}</CardTitle>
      <p className="mt-1 mb-5 text-soft">{why}</p>
      <InlineCredentialsForm kind={kind} onKind={setPicked} onDone={() => setEntered(true)} />
    </Card>
  );
}
