import type { ReactNode } from "react";

type Props = { checked: boolean; onChange: (checked: boolean) => void; label: ReactNode; disabled?: boolean };

export function Switch({ checked, onChange, label, disabled }: Props) {
  return (
    <label className="flex items-start justify-between gap-4">
      <span className="min-w-0">{label}</span>
      <input
        type="checkbox"
        role="switch"
        aria-checked={checked}
        checked={checked}
        disabled={disabled}
        onChange={(event) => onChange(event.target.checked)}
        className="relative mt-0.5 h-7 w-12 shrink-0 cursor-pointer appearance-none rounded-full bg-edge transition-colors before:absolute before:top-1 before:left-1 before:size-5 before:rounded-full before:bg-white before:shadow before:transition-transform checked:bg-tide checked:before:translate-x-5 disabled:cursor-not-allowed"
      />
    </label>
  );
}
