import type { Method } from "@/api/generated";

/** Returns a saved card's name, such as "Visa ending in 4242". */
export const cardName = (card: Method) => `${card.card_brand} ending in ${card.last4}`;
