import type { Method } from "@/api/generated";
import { brandName } from "@/lib/words";

/** A card as people know theirs: brand, last digits, and when it ends. */
export function CardFace({ card }: { card: Method }) {
  return (
    <span className="min-w-0 flex-1">
      <span className="block font-semibold leading-snug">
        {brandName(card.card_brand)} ending in <span className="tabular">{card.last4}</span>
      </span>
      <span className="tabular text-base text-soft">
        Expires {String(card.exp_month).padStart(2, "0")}/{card.exp_year}
      </span>
    </span>
  );
}
