"use client";
import { useMutation } from "@tanstack/react-query";
import { useSearchParams } from "next/navigation";
import { type FormEvent, useState } from "react";
import { Button, ButtonLink } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { ErrorNotice, Notice } from "@/components/ui/notice";
import { requestPasswordReset, resetPassword } from "@/lib/session";

/** Without a `key` in the URL it requests a mail; with the key from that mail it sets a new password. */
export function ResetPassword() {
  const key = useSearchParams().get("key");
  const [text, setText] = useState("");
  const send = useMutation({
    mutationFn: () => (key ? resetPassword(key, text) : requestPasswordReset(text)),
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!send.isPending) send.mutate();
  };
  if (send.isSuccess) return key ? <PasswordChanged /> : <MailSent to={text} />;
  return (
    <form onSubmit={submit} className="grid gap-5">
      <ErrorNotice error={send.error} />
      <Field
        key={key ?? "mail"}
        label={key ? "New password" : "E-mail"}
        type={key ? "password" : "email"}
        autoComplete={key ? "new-password" : "email"}
        minLength={key ? 8 : undefined}
        required
        value={text}
        onChange={(event) => setText(event.target.value)}
      />
      <Button type="submit" size="large" busy={send.isPending}>
        {key ? "Set the new password" : "Send me a link"}
      </Button>
    </form>
  );
}

function PasswordChanged() {
  return (
    <div className="grid gap-5">
      <Notice kind="good" title="Your new password is set." />
      <ButtonLink href="/sign-in/">Sign in</ButtonLink>
    </div>
  );
}

function MailSent({ to }: { to: string }) {
  return (
    <Notice kind="good" title="Look into your mail">
      <p>If there is an account for {to}, a link to choose a new password is on its way.</p>
    </Notice>
  );
}
