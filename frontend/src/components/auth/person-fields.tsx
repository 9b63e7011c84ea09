import type { Ref } from "react";
import { Field } from "@/components/ui/field";

const NAME_MAX = 150;

type NameProps = { value: string; onChange: (name: string) => void; ref?: Ref<HTMLInputElement> };

export function NameField({ value, onChange, ref }: NameProps) {
  return (
    <Field
      ref={ref}
      label="Your name"
      autoComplete="name"
      required
      maxLength={NAME_MAX}
      hint="Practitioners see it on their list of who comes."
      value={value}
      onChange={(event) => onChange(event.target.value)}
    />
  );
}

type PasswordProps = {
  isNew: boolean;
  label?: string;
  value: string;
  onChange: (value: string) => void;
};

export function PasswordField({ isNew, label = "Password", value, onChange }: PasswordProps) {
  return (
    <Field
      label={label}
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
