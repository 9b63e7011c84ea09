import type { Method } from "@/api/generated";
import { cardName } from "@/lib/cards";

/** A saved card: brand, last four digits and expiry. */
export function CardFace({ card }: { card: Method }) {
  return (
    <span className="min-w-0 flex-1">
      <span className="tabular block font-semibold leading-snug">{cardName(card)}</span>
      <span className="tabular text-base text-soft">
        Expires {String(card.exp_month).padStart(2, "0")}/{card.exp_year}
      </span>
    </span>
  );
}
