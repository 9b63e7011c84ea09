import { Check, X } from "lucide-react";
import type { OrderDetail } from "@/api/generated";
import { Spinner } from "@/components/ui/spinner";
import { cn } from "@/lib/cn";

type StepState = "done" | "now" | "waiting" | "stopped";
export type ProgressStep = { label: string; step: StepState };

/** Returns the three steps of an order with the state of each. */
export function progressOf(order: OrderDetail): ProgressStep[] {
  const handedOver =
    order.status === "refunded"
      ? "Refunded"
      : order.type === "credit"
        ? "Credits added"
        : "Booking confirmed";
  const steps: Record<string, [StepState, StepState]> = {
    pending: ["now", "waiting"],
    processing: ["now", "waiting"],
    failed: ["stopped", "waiting"],
    canceled: ["stopped", "waiting"],
    paid: ["done", "stopped"],
  };
  const [paid, given] = steps[order.status ?? "pending"] ?? ["done", "done"];
  return [
    { label: "Order placed", step: "done" },
    { label: paid === "done" ? "Payment received" : "Payment", step: paid },
    { label: handedOver, step: given },
  ];
}

const LOOKS: Record<StepState, string> = {
  done: "border-tide bg-tide text-white",
  now: "border-tide bg-mist text-tide",
  waiting: "border-line bg-card text-soft",
  stopped: "border-clay bg-clay-mist text-clay",
};

const SPOKEN: Record<StepState, string> = {
  done: "done",
  now: "in progress",
  waiting: "to come",
  stopped: "stopped",
};

export function OrderProgress({ current }: { current: ProgressStep[] }) {
  const isOver = current.some(({ step }) => step === "stopped");
  return (
    <ol aria-live="polite" className="grid gap-3 sm:grid-cols-3">
      {current.map(({ label, step }) => (
        <li key={label} className="flex items-center gap-3 rounded-2xl border border-line bg-card px-4 py-3">
          <span className={cn("grid size-8 shrink-0 place-items-center rounded-full border-2", LOOKS[step])}>
            {step === "done" ? <Check aria-hidden="true" className="size-4" /> : null}
            {step === "now" ? <Spinner /> : null}
            {step === "stopped" ? <X aria-hidden="true" className="size-4" /> : null}
          </span>
          <span className={cn("font-semibold leading-snug", step === "waiting" && "text-soft")}>
            {label}
            <span className="sr-only">: {isOver && step === "waiting" ? "not reached" : SPOKEN[step]}</span>
          </span>
        </li>
      ))}
    </ol>
  );
}
