"use client";
import { createContext, useContext } from "react";

/** Orders whose payment outcome this browser does not know: a page that asks Stripe is shown for them. */

export const returnPath = (orderId: string) => `/checkout/return/?order=${encodeURIComponent(orderId)}`;

type OrderInDoubt = { checkOrder: (orderId: string) => void };
export const OrderInDoubtContext = createContext<OrderInDoubt>({
  checkOrder: (orderId) => window.location.replace(returnPath(orderId)),
});
export const useOrderInDoubt = () => useContext(OrderInDoubtContext);

/**
 * Puts the order that is being paid into the URL of the checkout, or removes it.
 *
 * A buyer who reloads that URL during a payment or after a crash sees the order's status instead of the form.
 */
export function setOrderInUrl(orderId: string | null): void {
  const here = new URL(window.location.href);
  if (orderId) here.searchParams.set("order", orderId);
  else here.searchParams.delete("order");
  window.history.replaceState(null, "", here.pathname + here.search);
}
