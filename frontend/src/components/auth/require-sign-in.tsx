"use client";
import { type ReactNode, useState } from "react";
import { hasSignedInBefore } from "@/api/session";
import { ButtonLink } from "@/components/ui/button";
import { Card, CardTitle } from "@/components/ui/card";
import { EmptyState } from "@/components/ui/empty-state";
import { Loading } from "@/components/ui/loading";
import { focusOn } from "@/lib/focus";
import { useAccount } from "@/lib/use-account";
import { useCurrentPath } from "@/lib/use-current-path";
import type { CredentialsKind } from "./code-form";
import { InlineCredentialsForm } from "./credentials-form";

/** Shows its children to signed-in users, and to all others links to sign in that lead back to this page. */
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

/**
 * Shows its children to signed-in users, and to all others the form itself, so that their choice stays visible.
 *
 * A browser that has signed in before is offered sign-in, any other sign-up.
 */
export function RequireSignInInline({ why, children }: { why: string; children: ReactNode }) {
  const account = useAccount();
  const [picked, setPicked] = useState<CredentialsKind | null>(null);
  const [hasSignedIn, setHasSignedIn] = useState(false);
  if (account === undefined) return <Loading />;
  if (account) {
    return (
      <div ref={hasSignedIn ? focusOn : undefined} tabIndex={-1} className="outline-none">
        {children}
      </div>
    );
  }
  const kind = picked ?? (hasSignedInBefore() ? "sign-in" : "sign-up");
  return (
    <Card>
      <CardTitle>{kind === "sign-in" ? "Sign in to go on" : "Who are you?"}</CardTitle>
      <p className="mt-1 mb-5 text-soft">{why}</p>
      <InlineCredentialsForm kind={kind} onKind={setPicked} onDone={() => setHasSignedIn(true)} />
    </Card>
  );
}
