import { formatMoney, isZero } from "@/lib/money";

/** Where a refund goes: decimal strings of its currency. */
type Destination = { to_card: string; to_credits: string };

export const FAILED_REFUND_TEXT =
  "What is still missing of it goes back to you another way, and we write to you.";

/** Whether a refund did not go through: nothing of it is on its way. */
export function hasFailed({ status }: { status: string }): boolean {
  return status === "failed" || status === "canceled";
}

/** Says how much of a refund goes to the card and how much to credits. */
export function destinationText({ to_card, to_credits }: Destination, currency: string): string {
  const parts = [
    isZero(to_card) ? "" : `${formatMoney(to_card, currency)} to your card or account`,
    isZero(to_credits) ? "" : `${formatMoney(to_credits, currency)} to your credits`,
  ];
  return parts.filter(Boolean).join(", ");
}

/** Says how long a refund takes: https://docs.stripe.com/refunds */
export function durationText({ to_card, to_credits }: Destination): string {
  const credits = "Credits are back at once.";
  if (isZero(to_card)) return credits;
  const card = "Your bank shows it within 5 to 10 business days.";
  return isZero(to_credits) ? card : `${card} ${credits}`;
}
