import { cn } from "@/lib/cn";

function Bar({ className }: { className?: string }) {
  return <div className={cn("animate-pulse rounded-2xl bg-sand", className)} />;
}

/** Grey bars in place of content that loads; screen readers hear "Loading…". */
export function Loading({ rows = 3, className }: { rows?: number; className?: string }) {
  return (
    <div role="status" className={cn("grid gap-4", className)}>
      <span className="sr-only">Loading…</span>
      {Array.from({ length: rows }, (_, row) => `row-${row}`).map((row) => (
        <Bar key={row} className="h-24" />
      ))}
    </div>
  );
}
