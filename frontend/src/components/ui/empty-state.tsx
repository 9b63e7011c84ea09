import type { ReactNode } from "react";
import { Waves } from "@/components/art/waves";

/** The placeholder of an empty list, with a link to fill it. */
export function EmptyState({
  title,
  children,
  action,
}: {
  title: string;
  children?: ReactNode;
  action?: ReactNode;
}) {
  return (
    <div className="grid justify-items-center gap-3 rounded-3xl border border-line border-dashed bg-card px-6 py-12 text-center">
      <Waves className="h-10 w-28 text-tide/60" />
      <p className="font-display text-heading">{title}</p>
      {children ? <div className="max-w-md text-soft">{children}</div> : null}
      {action ? <div className="mt-2">{action}</div> : null}
    </div>
  );
}
