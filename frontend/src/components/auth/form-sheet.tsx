import type { ReactNode } from "react";
import { Waves } from "@/components/art/waves";

/** A narrow column in the middle of the page, for one small form. */
export function FormSheet({ title, lead, children }: { title: string; lead?: string; children: ReactNode }) {
  return (
    <div className="mx-auto max-w-md pt-4 sm:pt-10">
      <Waves className="mb-5 h-8 w-20 text-tide" />
      <h1 className="font-display text-title tracking-tight">{title}</h1>
      {lead ? <p className="mt-2 text-soft">{lead}</p> : null}
      <div className="mt-7">{children}</div>
    </div>
  );
}
