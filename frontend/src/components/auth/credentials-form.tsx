"use client";
import { useMutation } from "@tanstack/react-query";
import Link from "next/link";
import { useRouter, useSearchParams } from "next/navigation";
import { type FormEvent, type ReactNode, useState } from "react";
import { Button } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { ErrorNotice, Notice } from "@/components/ui/notice";
import { signIn, signUp } from "@/lib/session";
import { useAccount } from "@/lib/use-account";
import { safeNextPath } from "@/lib/use-current-path";

const TEXTS = {
  "sign-in": {
    button: "Sign in",
    other: "New here?",
    link: "Create an account",
    href: "/sign-up/",
    enter: signIn,
  },
  "sign-up": {
    button: "Create account",
    other: "Been here before?",
    link: "Sign in",
    href: "/sign-in/",
    enter: signUp,
  },
} as const;

export type CredentialsKind = keyof typeof TEXTS;

/** The form of the sign-in and sign-up pages; afterwards it returns to the page in `next`. */
export function CredentialsForm({ kind }: { kind: CredentialsKind }) {
  const texts = TEXTS[kind];
  const next = useSearchParams().get("next");
  const router = useRouter();
  const account = useAccount();
  return (
    <div className="grid gap-5">
      {account ? (
        <Notice>
          <p>You are signed in as {account.email}. Going on here changes to another account.</p>
        </Notice>
      ) : null}
      <CredentialsFields kind={kind} onDone={() => router.replace(safeNextPath(next))}>
        <Link className={SWITCH} href={next ? `${texts.href}?next=${encodeURIComponent(next)}` : texts.href}>
          {texts.link}
        </Link>
      </CredentialsFields>
    </div>
  );
}

type InlineCredentialsFormProps = {
  kind: CredentialsKind;
  onKind: (kind: CredentialsKind) => void;
  onDone: () => void;
};

/** The same form inside another page, which shows its content once the visitor is signed in. */
export function InlineCredentialsForm({ kind, onKind, onDone }: InlineCredentialsFormProps) {
  return (
    <CredentialsFields kind={kind} onDone={onDone}>
      <button
        type="button"
        className={SWITCH}
        onClick={() => onKind(kind === "sign-in" ? "sign-up" : "sign-in")}
      >
        {TEXTS[kind].link}
      </button>
    </CredentialsFields>
  );
}

const SWITCH = "cursor-pointer font-semibold text-tide underline underline-offset-4";

type CredentialsFieldsProps = { kind: CredentialsKind; onDone?: () => void; children: ReactNode };

function CredentialsFields({ kind, onDone, children }: CredentialsFieldsProps) {
  const texts = TEXTS[kind];
  const [email, setEmail] = useState("");
  const [password, setPassword] = useState("");
  const enter = useMutation({
    mutationFn: () => texts.enter(email, password),
    onSuccess: onDone,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!enter.isPending) enter.mutate();
  };
  return (
    <form onSubmit={submit} className="grid gap-5">
      <ErrorNotice error={enter.error} />
      <Field
        label="E-mail"
        type="email"
        autoComplete="email"
        required
        value={email}
        onChange={(event) => setEmail(event.target.value)}
      />
      <Password isNew={kind === "sign-up"} value={password} onChange={setPassword} />
      <Button type="submit" size="large" busy={enter.isPending}>
        {texts.button}
      </Button>
      <p className="text-center text-soft">
        {texts.other} {children}
      </p>
      {kind === "sign-in" ? <ForgotPasswordLink /> : null}
    </form>
  );
}

type PasswordProps = { isNew: boolean; value: string; onChange: (value: string) => void };

function Password({ isNew, value, onChange }: PasswordProps) {
  return (
    <Field
      label="Password"
      type="password"
      required
      minLength={isNew ? 8 : undefined}
      hint={isNew ? "At least 8 characters, and not one that everybody uses." : undefined}
      autoComplete={isNew ? "new-password" : "current-password"}
      value={value}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}

function ForgotPasswordLink() {
  return (
    <p className="text-center">
      <Link className="text-soft underline underline-offset-4" href="/reset-password/">
        Forgot your password?
      </Link>
    </p>
  );
}
