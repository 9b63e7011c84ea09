import { type InputHTMLAttributes, type Ref, useId } from "react";
import { cn } from "@/lib/cn";

type Props = InputHTMLAttributes<HTMLInputElement> & {
  label: string;
  hint?: string;
  prefix?: string;
  ref?: Ref<HTMLInputElement>;
};

/** An input with its label and an optional hint. */
export function Field({ label, hint, className, prefix, ...rest }: Props) {
  const id = useId();
  return (
    <div className={className}>
      <label htmlFor={id} className="mb-1.5 block font-semibold">
        {label}
      </label>
      <div className="flex items-center rounded-xl border border-edge bg-white focus-within:border-tide focus-within:ring-3 focus-within:ring-tide/20">
        {prefix ? <span className="pl-4 text-soft">{prefix}</span> : null}
        <input
          {...rest}
          id={id}
          aria-describedby={hint ? `${id}-hint` : undefined}
          className={cn(
            "min-h-12 w-full min-w-0 rounded-xl bg-transparent px-4 outline-none",
            prefix && "pl-2",
          )}
        />
      </div>
      {hint ? (
        <p id={`${id}-hint`} className="mt-1.5 text-base text-soft">
          {hint}
        </p>
      ) : null}
    </div>
  );
}
