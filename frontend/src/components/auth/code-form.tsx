"use client";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, type ReactNode, useState } from "react";
import { enterCode, isCodeOver, requestCode } from "@/api/session";
import { Button } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { ErrorNotice, Notice } from "@/components/ui/notice";
import { focusOn } from "@/lib/focus";
import { CodeField, isWholeCode } from "./code-field";
import { NameField } from "./person-fields";

export type CredentialsKind = "sign-in" | "sign-up";

export type Person = { name: string; email: string };

export type CodeFormProps = {
  kind: CredentialsKind;
  person: Person;
  onPerson: (person: Person) => void;
  /** Whether the first field takes the focus, because the form stands in place of the one with the pressed button. */
  focused: boolean;
  onDone?: () => void;
  children: ReactNode;
};

/** Joining and signing in without a password: first the address, then the code that was mailed to it. */
export function CodeForm({ kind, person, onPerson, focused, onDone, children }: CodeFormProps) {
  const { name, email } = person;
  const [cameBack, setCameBack] = useState(false);
  const isNew = kind === "sign-up";
  const focus = focused || cameBack ? focusOn : undefined;
  const [session, setSession] = useState<string | null>(null);
  const send = useMutation({
    mutationFn: () => requestCode(email, isNew ? name : ""),
    onSuccess: setSession,
  });
  if (session) {
    const resend = {
      error: send.error,
      busy: send.isPending,
      again: () => send.mutate(),
      other: () => {
        setCameBack(true);
        setSession(null);
      },
    };
    return <EnterCode key={session} session={session} email={email} resend={resend} onDone={onDone} />;
  }
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!send.isPending) send.mutate();
  };
  return (
    <form onSubmit={submit} className="grid grid-cols-1 gap-5">
      <ErrorNotice error={send.error} />
      {isNew ? (
        <NameField ref={focus} value={name} onChange={(typed) => onPerson({ ...person, name: typed })} />
      ) : null}
      <Field
        ref={isNew ? undefined : focus}
        label="E-mail"
        type="email"
        autoComplete="email"
        required
        value={email}
        onChange={(event) => onPerson({ ...person, email: event.target.value })}
      />
      <Button type="submit" size="large" busy={send.isPending}>
        Mail me a code
      </Button>
      {children}
    </form>
  );
}

type Resend = { error: unknown; busy: boolean; again: () => void; other: () => void };
type EnterCodeProps = { session: string; email: string; resend: Resend; onDone?: () => void };

function EnterCode({ session, email, resend, onDone }: EnterCodeProps) {
  const [code, setCode] = useState("");
  const enter = useMutation({ mutationFn: (typed: string) => enterCode(session, typed), onSuccess: onDone });
  const type = (digits: string) => {
    setCode(digits);
    if (isWholeCode(digits) && digits !== code && !enter.isPending) enter.mutate(digits);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!enter.isPending) enter.mutate(code);
  };
  return (
    <form onSubmit={submit} className="grid grid-cols-1 gap-5">
      <Notice kind="good" title="Look into your mail">
        <p className="break-words">A code is on its way to {email}.</p>
      </Notice>
      <ErrorNotice error={enter.error ?? resend.error} />
      <CodeField value={code} onChange={type} />
      <Button type="submit" size="large" busy={enter.isPending} disabled={isCodeOver(enter.error)}>
        Go on
      </Button>
      <div className="flex flex-wrap justify-center gap-x-4">
        <Button look="plain" busy={resend.busy} onClick={resend.again}>
          Send another code
        </Button>
        <Button look="plain" onClick={resend.other}>
          Use another address
        </Button>
      </div>
    </form>
  );
}
