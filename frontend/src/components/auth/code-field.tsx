"use client";
import { Field } from "@/components/ui/field";
import { focusOn } from "@/lib/focus";
import { useConfig } from "@/lib/queries";

const DIGITS = 8;

export const isWholeCode = (code: string) => code.length === DIGITS;

type Props = { value: string; onChange: (digits: string) => void };

/** Takes the digits of a mailed code, however they are typed or pasted. */
export function CodeField({ value, onChange }: Props) {
  return (
    <>
      <Field
        label="Code from the mail"
        inputMode="numeric"
        autoComplete="one-time-code"
        ref={focusOn}
        required
        value={value.length > DIGITS / 2 ? `${value.slice(0, DIGITS / 2)} ${value.slice(DIGITS / 2)}` : value}
        onChange={(event) => onChange(event.target.value.replace(/\D/g, "").slice(0, DIGITS))}
        hint="Eight digits. It is valid for 15 minutes."
      />
      <SandboxHint />
    </>
  );
}

function SandboxHint() {
  if (!useConfig().data?.sandbox) return null;
  return (
    <p className="min-w-0 rounded-xl bg-sand/70 px-4 py-2.5 text-base text-soft">
      Sandbox: mails are written to the worker’s log,{" "}
      <code className="break-all">.var/demo/logs/worker.log</code>.
    </p>
  );
}
