import type { HTMLAttributes, Ref } from "react";
import { cn } from "@/lib/cn";

export function Card({ className, ...rest }: HTMLAttributes<HTMLElement> & { ref?: Ref<HTMLElement> }) {
  return <section {...rest} className={cn("rounded-3xl border border-line bg-card p-5 sm:p-7", className)} />;
}

export function CardTitle({ className, children, ...rest }: HTMLAttributes<HTMLHeadingElement>) {
  return (
    <h2 {...rest} className={cn("font-display text-heading font-medium", className)}>
      {children}
    </h2>
  );
}
