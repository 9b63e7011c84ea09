import Link from "next/link";
import { errorText, Problem } from "@/api/problem";
import { GetHelp } from "@/components/ui/get-help";
import { Notice } from "@/components/ui/notice";

const TIME_IS_GONE = new Set([
  "sold_out",
  "slot_taken",
  "slot_in_past",
  "outside_availability",
  "session_started",
  "time_changed",
  "session_not_offered",
  "scheduling_required",
]);
const TITLES: Record<string, string> = {
  already_paid: "Your earlier order is paid",
  already_booked: "You have booked this already",
  hold_limit_reached: "One thing at a time",
  address_hold_limit_reached: "A moment, please",
  too_many_unpaid_holds: "Not right now",
};
const HAS_AN_ORDER = new Set([
  "already_paid",
  "payment_processing",
  "held_by_your_order",
  "hold_limit_reached",
  "address_hold_limit_reached",
]);

/** Says why a payment failed and links to the next step; `back` is where another time is chosen. */
export function PaymentError({ error, back }: { error: unknown; back: string }) {
  const code = error instanceof Problem ? error.code : "";
  const title = TITLES[code];
  const next = nextStep(error, back);
  return (
    <Notice kind={title ? "info" : "bad"} title={title ?? "That did not work"}>
      <p>{errorText(error)}</p>
      {next ? (
        <Link
          href={next.href}
          className="inline-flex min-h-11 items-center font-semibold underline underline-offset-4"
        >
          {next.label}
        </Link>
      ) : null}
      <GetHelp error={error} />
    </Notice>
  );
}

function nextStep(error: unknown, back: string): { href: string; label: string } | null {
  if (!(error instanceof Problem)) return null;
  if (TIME_IS_GONE.has(error.code)) return { href: back, label: "Choose another time" };
  if (error.code === "already_booked") return { href: "/bookings/", label: "See your bookings" };
  if (error.code === "not_on_sale") return { href: "/", label: "See what is offered" };
  if (!HAS_AN_ORDER.has(error.code)) return null;
  const order = error.extra.order_id;
  return typeof order === "string"
    ? { href: `/orders/?id=${order}`, label: "See your order" }
    : { href: "/orders/", label: "See your orders" };
}
