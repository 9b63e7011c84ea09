import type { ReactNode } from "react";
import type { Method } from "@/api/generated";
import { CardFace } from "@/components/cards/card-face";
import { Badge } from "@/components/ui/badge";

type Props = { cards: Method[]; chosen: string | null; onChoose: (card: string | null) => void };

/** Radio buttons: the saved cards, then "Use a new card" (null). */
export function CardChoice({ cards, chosen, onChoose }: Props) {
  return (
    <fieldset className="mt-4">
      <legend className="sr-only">Your saved cards</legend>
      <div className="grid gap-2">
        {cards.map((card) => (
          <Option
            key={card.id}
            checked={chosen === card.stripe_payment_method_id}
            onChoose={() => onChoose(card.stripe_payment_method_id)}
          >
            <CardFace card={card} />
            {card.is_default ? <Badge tone="calm">Default</Badge> : null}
          </Option>
        ))}
        <Option checked={chosen === null} onChoose={() => onChoose(null)}>
          <span className="font-semibold">Use a new card</span>
        </Option>
      </div>
    </fieldset>
  );
}

function Option({
  checked,
  onChoose,
  children,
}: {
  checked: boolean;
  onChoose: () => void;
  children: ReactNode;
}) {
  return (
    <label className="flex min-h-14 flex-wrap items-center gap-3 rounded-2xl border border-edge/60 bg-white px-4 py-2.5 has-checked:border-tide has-checked:bg-mist has-focus-visible:outline-3 has-focus-visible:outline-tide">
      <input
        type="radio"
        name="payment-method"
        checked={checked}
        onChange={onChoose}
        className="size-5 shrink-0 accent-tide"
      />
      {children}
    </label>
  );
}
