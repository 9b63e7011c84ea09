"use client";
import { CardElement, PaymentElement } from "@stripe/react-stripe-js";
import type {
  PaymentIntent,
  Stripe,
  StripeElements,
  StripeElementsOptions,
  StripeError,
} from "@stripe/stripe-js";
import type { ComponentType } from "react";
import { ReadableError } from "@/api/problem";
import { appearance, cardStyle, OWN_WORDING } from "@/lib/stripe";

export type ConfirmResult = { error?: StripeError; paymentIntent?: PaymentIntent };
export type Payer = { name: string; email: string };

type Confirmation = {
  stripe: Stripe;
  elements: StripeElements;
  clientSecret: string;
  payer: Payer;
  returnUrl: string;
};

/** `types` are the payment method types that the server allows. */
type CardFieldOptions = { amountMinor: number; currency: string; save: boolean; types: string[] };

/** A Stripe Element that takes a new card. */
export type NewCard = {
  Fields: ComponentType;
  options: (options: CardFieldOptions) => StripeElementsOptions;
  /** Validates the input before the order is placed. */
  check: (elements: StripeElements) => Promise<StripeError | undefined>;
  confirm: (confirmation: Confirmation) => Promise<ConfirmResult>;
};

/** The Payment Element in deferred mode: the order is placed when the buyer pays, so viewing the page holds no seat. */
export const paymentElement: NewCard = {
  Fields: () => <PaymentElement options={{ layout: "tabs", terms: OWN_WORDING }} />,
  options: ({ amountMinor, currency, save, types }) => ({
    mode: "payment",
    amount: amountMinor,
    currency,
    setupFutureUsage: save ? "off_session" : null,
    allowedPaymentMethodTypes: types,
    appearance,
  }),
  check: async (elements) => (await elements.submit()).error,
  confirm: ({ stripe, elements, clientSecret, returnUrl }) =>
    stripe.confirmPayment({
      elements,
      clientSecret,
      confirmParams: { return_url: returnUrl },
      redirect: "if_required",
    }),
};

function CardFields() {
  return (
    <div className="rounded-xl border border-edge bg-white px-4 py-4">
      <CardElement options={{ style: cardStyle }} />
    </div>
  );
}

/** The single-line Card Element and `confirmCardPayment`. */
export const cardElement: NewCard = {
  Fields: CardFields,
  options: () => ({ appearance }),
  check: async () => undefined,
  confirm: async ({ stripe, elements, clientSecret, payer }) => {
    const card = elements.getElement(CardElement);
    if (!card) throw new ReadableError("The card form is not ready yet. Wait a moment and try again.");
    return stripe.confirmCardPayment(clientSecret, { payment_method: { card, billing_details: payer } });
  },
};
