import type { ReactNode } from "react";
import { cn } from "@/lib/cn";
import type { Tone } from "@/lib/status-labels";

const TONES: Record<Tone, string> = {
  calm: "bg-mist text-tide-deep",
  good: "bg-moss-mist text-moss",
  wait: "bg-honey-mist text-honey",
  bad: "bg-clay-mist text-clay",
  plain: "bg-sand text-soft",
};

export function Badge({
  tone = "plain",
  className,
  children,
}: {
  tone?: Tone;
  className?: string;
  children: ReactNode;
}) {
  return (
    <span
      className={cn(
        "inline-flex items-center rounded-full px-2.5 py-0.5 font-semibold text-sm whitespace-nowrap",
        TONES[tone],
        className,
      )}
    >
      {children}
    </span>
  );
}
