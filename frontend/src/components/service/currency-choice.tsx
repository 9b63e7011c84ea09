import { useId } from "react";
import type { Service } from "@/api/generated";
import { chooseCurrency } from "@/lib/currency";

/** The currencies in which a service has a price; nothing where there is one only. */
export function CurrencyChoice({ prices, chosen }: { prices: Service["prices"]; chosen: string }) {
  const id = useId();
  if (prices.length < 2) return null;
  return (
    <p className="mt-2 flex items-center gap-2 text-base text-soft">
      <label htmlFor={id}>Currency</label>
      <select
        id={id}
        value={chosen}
        onChange={(event) => chooseCurrency(event.target.value)}
        className="min-h-11 rounded-xl border border-edge bg-white px-3 text-ink"
      >
        {prices.map(({ currency }) => (
          <option key={currency} value={currency}>
            {currency.toUpperCase()}
          </option>
        ))}
      </select>
    </p>
  );
}
