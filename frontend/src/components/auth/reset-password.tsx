"use client";
import { useMutation, useQuery } from "@tanstack/react-query";
import { useSearchParams } from "next/navigation";
import { type FormEvent, useState } from "react";
import { canResetPassword, requestPasswordReset, resetPassword } from "@/api/session";
import { Button, ButtonLink } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { Loading } from "@/components/ui/loading";
import { ErrorNotice, LoadError, Notice } from "@/components/ui/notice";
import { useSteady } from "@/lib/steady";

/** Without a `key` in the URL it requests a mail; with the key from that mail it sets a new password. */
export function ResetPassword() {
  const key = useSearchParams().get("key");
  return key ? <WithLink linkKey={key} /> : <RequestLink />;
}

/** Asks the server first: a link works once, and one that was used or is too old leads to a new one. */
function WithLink({ linkKey }: { linkKey: string }) {
  const valid = useSteady(
    useQuery({
      queryKey: ["password-reset", linkKey],
      queryFn: () => canResetPassword(linkKey),
      staleTime: Number.POSITIVE_INFINITY,
      gcTime: 0,
    }),
    linkKey,
  );
  const [hasFailed, setHasFailed] = useState(false);
  if (valid.isPending) return <Loading rows={2} />;
  if (valid.isError) return <LoadError query={valid} />;
  if (valid.data && !hasFailed) return <ChoosePassword linkKey={linkKey} onUsed={() => setHasFailed(true)} />;
  return (
    <div className="grid gap-5">
      <Notice title="This link was used already, or is too old">
        <p>Each link sets one new password. Say your address, and a new link comes by mail.</p>
      </Notice>
      <RequestLink />
    </div>
  );
}

function ChoosePassword({ linkKey, onUsed }: { linkKey: string; onUsed: () => void }) {
  const [password, setPassword] = useState("");
  const save = useMutation({
    mutationFn: () => resetPassword(linkKey, password),
    onError: async () => {
      // It may have been used in another tab meanwhile; a weak password is refused too.
      if (!(await canResetPassword(linkKey).catch(() => true))) onUsed();
    },
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!save.isPending) save.mutate();
  };
  if (save.isSuccess) {
    return (
      <div className="grid gap-5">
        <Notice kind="good" title="Your new password is set." />
        <ButtonLink href="/sign-in/">Sign in</ButtonLink>
      </div>
    );
  }
  return (
    <form onSubmit={submit} className="grid gap-5">
      <ErrorNotice error={save.error} />
      <Field
        label="New password"
        type="password"
        autoComplete="new-password"
        minLength={8}
        required
        value={password}
        onChange={(event) => setPassword(event.target.value)}
      />
      <Button type="submit" size="large" busy={save.isPending}>
        Set the new password
      </Button>
    </form>
  );
}

function RequestLink() {
  const [email, setEmail] = useState("");
  const send = useMutation({ mutationFn: () => requestPasswordReset(email) });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!send.isPending) send.mutate();
  };
  if (send.isSuccess) {
    return (
      <Notice kind="good" title="Look into your mail">
        <p>If there is an account for {email}, a link to choose a new password is on its way.</p>
      </Notice>
    );
  }
  return (
    <form onSubmit={submit} className="grid gap-5">
      <ErrorNotice error={send.error} />
      <Field
        label="E-mail"
        type="email"
        autoComplete="email"
        required
        value={email}
        onChange={(event) => setEmail(event.target.value)}
      />
      <Button type="submit" size="large" busy={send.isPending}>
        Send me a link
      </Button>
    </form>
  );
}
