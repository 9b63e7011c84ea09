"use client";
import { useMutation } from "@tanstack/react-query";
import Link from "next/link";
import { useSearchParams } from "next/navigation";
import { errorText, isRefusal } from "@/api/problem";
import { verifyEmail } from "@/api/session";
import { Button, ButtonLink } from "@/components/ui/button";
import { Notice } from "@/components/ui/notice";

/** Where a new link is had: each works once, and for a limited time. */
function NewLink() {
  return (
    <p>
      The link may have been used, or be too old.{" "}
      <Link
        href="/profile/"
        className="inline-flex min-h-11 items-center font-semibold underline underline-offset-4"
      >
        See your address, and have a new link mailed
      </Link>
    </p>
  );
}

/** Uses the key on a click, not when the page opens: mail scanners open links too. */
export function VerifyEmail() {
  const key = useSearchParams().get("key") ?? "";
  const verify = useMutation({ mutationFn: () => verifyEmail(key) });
  if (verify.isSuccess) {
    return (
      <div className="grid gap-5">
        <Notice kind="good" title="Thank you, your address is confirmed." />
        <ButtonLink href="/">Discover Estuary</ButtonLink>
      </div>
    );
  }
  return (
    <div className="grid gap-5">
      {key ? null : <Notice kind="bad">This link is not complete. Open it from the mail once more.</Notice>}
      {verify.error ? (
        <Notice kind="bad">
          <p>{errorText(verify.error)}</p>
          {isRefusal(verify.error) ? <NewLink /> : null}
        </Notice>
      ) : null}
      <Button size="large" disabled={!key} busy={verify.isPending} onClick={() => verify.mutate()}>
        Confirm my address
      </Button>
    </div>
  );
}
