import type { Method } from "@/api/generated";

const brandName = (brand: string) =>
  ({ visa: "Visa", mastercard: "Mastercard", amex: "American Express", discover: "Discover" })[brand] ??
  brand.replace(/^\w/, (letter) => letter.toUpperCase());

/** Returns a saved card's name, such as "Visa ending in 4242". */
export const cardName = (card: Method) => `${brandName(card.card_brand)} ending in ${card.last4}`;
