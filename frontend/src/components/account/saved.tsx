import { CheckCircle2 } from "lucide-react";

/** Shows beside a button that what the form says is saved; it has been announced already. */
export function Saved({ when }: { when: boolean }) {
  if (!when) return null;
  return (
    <span className="inline-flex items-center gap-1.5 font-semibold text-moss">
      <CheckCircle2 aria-hidden="true" className="size-5" />
      Saved
    </span>
  );
}
