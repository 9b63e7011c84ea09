"use client";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { Card, CardTitle } from "@/components/ui/card";
import { Field } from "@/components/ui/field";
import { ErrorNotice, Notice } from "@/components/ui/notice";
import { changeEmail, resendConfirmation } from "@/lib/account-access";
import { useOwnerAction } from "./use-owner-action";
import type { Profile } from "./use-profile";

export function EmailCard({ profile }: { profile: Profile }) {
  const [email, setEmail] = useState("");
  const [sentTo, setSentTo] = useState<string | null>(null);
  const change = useOwnerAction({
    act: () => changeEmail(email),
    onDone: () => setSentTo(email),
    hasPassword: profile.has_password,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!change.busy) change.run();
  };
  return (
    <Card>
      <CardTitle>E-mail</CardTitle>
      <p className="mt-1 flex flex-wrap items-center gap-x-3 gap-y-1">
        <span className="break-all">{profile.email}</span>
        {profile.email_verified ? (
          <Badge tone="good">Confirmed</Badge>
        ) : (
          <Badge tone="wait">Not confirmed</Badge>
        )}
      </p>
      {profile.email_verified ? null : <Confirmation email={profile.email} />}
      <form onSubmit={submit} className="mt-4 grid grid-cols-1 gap-4">
        <ErrorNotice error={change.error} />
        {sentTo && sentTo === email ? (
          <Notice kind="good" title="Look into your mail">
            <p className="wrap-anywhere">
              Open the link that we mailed to {sentTo}. Until then {profile.email} stays your address.
            </p>
          </Notice>
        ) : null}
        <Field
          label="New e-mail"
          type="email"
          autoComplete="email"
          required
          value={email}
          onChange={(event) => setEmail(event.target.value)}
        />
        <Button type="submit" look="quiet" className="justify-self-start" busy={change.busy}>
          Change the e-mail
        </Button>
      </form>
      {change.dialog}
    </Card>
  );
}

function Confirmation({ email }: { email: string }) {
  const send = useMutation({ mutationFn: () => resendConfirmation(email) });
  if (send.isSuccess) return <Notice kind="good" className="mt-3" title="A link is on its way to you." />;
  return (
    <div className="mt-3 grid gap-3">
      <ErrorNotice error={send.error} />
      <Button look="quiet" className="justify-self-start" busy={send.isPending} onClick={() => send.mutate()}>
        Mail me the link to confirm it
      </Button>
    </div>
  );
}
