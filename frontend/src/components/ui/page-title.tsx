import type { ReactNode } from "react";

export function PageTitle({ children, lead }: { children: ReactNode; lead?: ReactNode }) {
  return (
    <header className="mb-8">
      <h1 className="font-display text-title tracking-tight">{children}</h1>
      {lead ? <p className="mt-2 max-w-2xl text-lg text-soft">{lead}</p> : null}
    </header>
  );
}
