"use client";
import { createContext, useContext } from "react";

/** An order of which this browser does not know whether it is paid: the page that asks Stripe is shown for it. */

export const returnPath = (orderId: string) => `/checkout/return/?order=${encodeURIComponent(orderId)}`;

type OrderInDoubt = { checkOrder: (orderId: string) => void };
export const OrderInDoubtContext = createContext<OrderInDoubt>({
  checkOrder: (orderId) => window.location.replace(returnPath(orderId)),
});
export const useOrderInDoubt = () => useContext(OrderInDoubtContext);

/**
 * Writes the order that is being paid into the address of the checkout, or takes it out.
 *
 * Whoever loads that address again, amid a payment or after a crash, is led to the page that asks Stripe.
 */
export function setOrderInUrl(orderId: string | null): void {
  const here = new URL(window.location.href);
  if (orderId) here.searchParams.set("order", orderId);
  else here.searchParams.delete("order");
  window.history.replaceState(null, "", here.pathname + here.search);
}
