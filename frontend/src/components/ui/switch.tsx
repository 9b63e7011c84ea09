"use client";
import { Switch as Base } from "@base-ui/react/switch";
import { type ReactNode, useId } from "react";

type Props = { checked: boolean; onChange: (checked: boolean) => void; label: ReactNode; disabled?: boolean };

export function Switch({ checked, onChange, label, disabled }: Props) {
  const id = useId();
  return (
    <div className="flex items-start justify-between gap-4">
      <span id={id} className="min-w-0">
        {label}
      </span>
      <Base.Root
        checked={checked}
        onCheckedChange={onChange}
        disabled={disabled}
        aria-labelledby={id}
        className="relative mt-0.5 flex h-7 items-center w-12 shrink-0 rounded-full bg-edge transition-colors data-checked:bg-tide"
      >
        <Base.Thumb className="block size-5 translate-x-1 rounded-full bg-white shadow transition-transform data-checked:translate-x-6" />
      </Base.Root>
    </div>
  );
}
