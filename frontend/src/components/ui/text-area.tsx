import { type TextareaHTMLAttributes, useId } from "react";

type Props = TextareaHTMLAttributes<HTMLTextAreaElement> & { label: string; hint?: string };

/** A field of several lines with its label and an optional hint. */
export function TextArea({ label, hint, ...rest }: Props) {
  const id = useId();
  return (
    <div>
      <label htmlFor={id} className="mb-1.5 block font-semibold">
        {label}
      </label>
      <textarea
        {...rest}
        id={id}
        aria-describedby={hint ? `${id}-hint` : undefined}
        className="block w-full rounded-xl border border-edge bg-white px-4 py-3 outline-none focus:border-tide focus:ring-3 focus:ring-tide/20"
      />
      {hint ? (
        <p id={`${id}-hint`} className="mt-1.5 text-base text-soft">
          {hint}
        </p>
      ) : null}
    </div>
  );
}
