"use client";
import { CheckoutPage } from "./checkout-page";
import { cardElement, paymentElement } from "./new-card";

/** The shop's checkout. */
export const ShopCheckout = () => <CheckoutPage newCard={paymentElement} />;

/** The same checkout with the single-line Card Element. */
export const CardCheckout = () => <CheckoutPage newCard={cardElement} />;
