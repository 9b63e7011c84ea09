"use client";
import { useMutation } from "@tanstack/react-query";
import Link from "next/link";
import { useRouter, useSearchParams } from "next/navigation";
import { type FormEvent, useState } from "react";
import { lastMethod, type SignInMethod, signIn, signUp } from "@/api/session";
import { Button } from "@/components/ui/button";
import { Field } from "@/components/ui/field";
import { ErrorNotice, Notice } from "@/components/ui/notice";
import { focusOn } from "@/lib/focus";
import { useAccount } from "@/lib/use-account";
import { safeNextPath } from "@/lib/use-current-path";
import { CodeForm, type CodeFormProps, type CredentialsKind, type Person } from "./code-form";
import { NameField, PasswordField } from "./person-fields";

const TEXTS = {
  "sign-in": {
    button: "Sign in",
    other: "New here?",
    link: "Create an account",
    href: "/sign-up/",
    toCode: "Mail me a code instead",
    toPassword: "Use my password instead",
  },
  "sign-up": {
    button: "Create account",
    other: "Been here before?",
    link: "Sign in",
    href: "/sign-in/",
    toCode: "Join without a password",
    toPassword: "Choose a password instead",
  },
} as const satisfies Record<CredentialsKind, Record<string, string>>;

/** The form of the sign-in and sign-up pages; afterwards it returns to the page in `next`. */
export function CredentialsForm({ kind }: { kind: CredentialsKind }) {
  const texts = TEXTS[kind];
  const next = useSearchParams().get("next");
  const router = useRouter();
  const account = useAccount();
  const [person, setPerson] = useState(NOBODY);
  return (
    <div className="grid gap-5">
      {account ? (
        <Notice>
          <p>You are signed in as {account.email}. Going on here changes to another account.</p>
        </Notice>
      ) : null}
      <EntryForm
        kind={kind}
        person={person}
        onPerson={setPerson}
        focused={false}
        onDone={() => router.replace(safeNextPath(next))}
      >
        <Link className={SWITCH} href={next ? `${texts.href}?next=${encodeURIComponent(next)}` : texts.href}>
          {texts.link}
        </Link>
      </EntryForm>
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
  const [first] = useState(kind);
  const [hasSwitched, setHasSwitched] = useState(false);
  if (kind !== first && !hasSwitched) setHasSwitched(true);
  const [person, setPerson] = useState(NOBODY);
  return (
    <EntryForm
      key={kind}
      kind={kind}
      person={person}
      onPerson={setPerson}
      focused={hasSwitched}
      onDone={onDone}
    >
      <button
        type="button"
        className={SWITCH}
        onClick={() => onKind(kind === "sign-in" ? "sign-up" : "sign-in")}
      >
        {TEXTS[kind].link}
      </button>
    </EntryForm>
  );
}

const SWITCH =
  "inline-flex min-h-11 cursor-pointer items-center font-semibold text-tide underline underline-offset-4";

const NOBODY: Person = { name: "", email: "" };

/**
 * By a mailed code or by password: newcomers are offered the code, and others what they used the last time.
 *
 * What was typed stays when the other way is picked.
 */
function EntryForm({ kind, focused, children, ...rest }: CodeFormProps) {
  const texts = TEXTS[kind];
  const account = useAccount();
  const [picked, setPicked] = useState<SignInMethod | null>(null);
  // Only the browser knows how somebody has signed in before.
  const known = account === undefined ? "password" : lastMethod();
  const method = picked ?? (kind === "sign-up" ? "code" : known);
  const Form = method === "code" ? CodeForm : PasswordForm;
  return (
    <Form kind={kind} focused={focused || picked !== null} {...rest}>
      <Button look="plain" onClick={() => setPicked(method === "code" ? "password" : "code")}>
        {method === "code" ? texts.toPassword : texts.toCode}
      </Button>
      <p className="text-center text-soft">
        {texts.other} {children}
      </p>
    </Form>
  );
}

function PasswordForm({ kind, person, onPerson, focused, onDone, children }: CodeFormProps) {
  const { name, email } = person;
  const [password, setPassword] = useState("");
  const isNew = kind === "sign-up";
  const focus = focused ? focusOn : undefined;
  const enter = useMutation({
    mutationFn: () => (isNew ? signUp(email, password, name) : signIn(email, password)),
    onSuccess: onDone,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!enter.isPending) enter.mutate();
  };
  return (
    <form onSubmit={submit} className="grid grid-cols-1 gap-5">
      <ErrorNotice error={enter.error} />
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
      <PasswordField isNew={isNew} value={password} onChange={setPassword} />
      <Button type="submit" size="large" busy={enter.isPending}>
        {TEXTS[kind].button}
      </Button>
      {children}
      {isNew ? null : <ForgotPasswordLink />}
    </form>
  );
}

function ForgotPasswordLink() {
  return (
    <p className="text-center">
      <Link
        className="inline-flex min-h-11 items-center text-soft underline underline-offset-4"
        href="/reset-password/"
      >
        Forgot your password?
      </Link>
    </p>
  );
}
