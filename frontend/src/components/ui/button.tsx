import Link from "next/link";
import type { ButtonHTMLAttributes, ComponentProps, MouseEvent } from "react";
import { cn } from "@/lib/cn";
import { Spinner } from "./spinner";

const LOOKS = {
  primary: "bg-tide text-white shadow-sm hover:bg-tide-deep disabled:bg-soft aria-busy:bg-soft",
  quiet:
    "border border-edge bg-card text-ink hover:border-tide hover:bg-mist disabled:opacity-60 aria-busy:opacity-60",
  plain: "text-tide underline-offset-4 hover:underline disabled:text-soft aria-busy:text-soft",
  danger: "bg-clay text-white hover:bg-clay/90 disabled:bg-soft aria-busy:bg-soft",
} as const;

const SIZES = {
  normal: "min-h-11 px-5 py-2",
  large: "min-h-13 px-6 py-3 text-lg",
  small: "min-h-11 px-4 py-1 text-base",
} as const;

type Shape = { look?: keyof typeof LOOKS; size?: keyof typeof SIZES };

function classesOf({ look = "primary", size = "normal" }: Shape, className?: string) {
  return cn(
    "inline-flex items-center justify-center gap-2 rounded-full text-center font-semibold transition-colors",
    SIZES[size],
    LOOKS[look],
    look === "plain" && "min-h-11 rounded px-1",
    className,
  );
}

type ButtonProps = ButtonHTMLAttributes<HTMLButtonElement> & Shape & { busy?: boolean };

/** While `busy` it ignores clicks and shows a spinner; it keeps its label and the focus. */
export function Button({ look, size, busy, className, children, type = "button", ...rest }: ButtonProps) {
  return (
    <button
      {...rest}
      type={type}
      aria-busy={busy || undefined}
      aria-disabled={busy || undefined}
      onClick={busy ? ignore : rest.onClick}
      className={classesOf({ look, size }, className)}
    >
      {busy ? <Spinner /> : null}
      {children}
    </button>
  );
}

function ignore(event: MouseEvent): void {
  // Keeps a form from being submitted.
  event.preventDefault();
}

export function ButtonLink({ look, size, className, ...rest }: ComponentProps<typeof Link> & Shape) {
  return <Link {...rest} className={classesOf({ look, size }, className)} />;
}
