"use client";
import { Elements, PaymentElement, useElements, useStripe } from "@stripe/react-stripe-js";
import type { SetupIntent, Stripe } from "@stripe/stripe-js";
import { useQueryClient } from "@tanstack/react-query";
import { type FormEvent, useMemo, useRef, useState } from "react";
import { paymentsMethodsRetrieve, paymentsMethodsSetupCreate } from "@/api/generated";
import { ReadableError, unwrap } from "@/api/problem";
import { Button } from "@/components/ui/button";
import { Card, CardTitle } from "@/components/ui/card";
import { Loading } from "@/components/ui/loading";
import { ErrorNotice, LoadError } from "@/components/ui/notice";
import { announce } from "@/lib/announce";
import { focusOn } from "@/lib/focus";
import { OWN_DATA, useConfig } from "@/lib/queries";

import { appearance, OWN_WORDING, useStripeJs } from "@/lib/stripe";
import { classifyError } from "@/lib/stripe-errors";

/** `onLate` is called with Stripe's id of a card that is saved but not yet listed. */
type AddCardProps = { onClose: () => void; onLate: (stripeId: string) => void };

/** Saves a card without a payment: the click creates a SetupIntent, which the browser confirms. */
export function AddCard(props: AddCardProps) {
  const config = useConfig();
  const stripe = useStripeJs();
  const currency = config.data?.currency ?? "usd";
  const types = config.data?.payment_method_types;
  const options = useMemo(
    () => ({ mode: "setup" as const, currency, allowedPaymentMethodTypes: types, appearance }),
    [currency, types],
  );
  if (stripe.isError) return <LoadError query={stripe} />;
  if (!stripe.data) return <Loading rows={1} />;
  return (
    <Card ref={focusOn} tabIndex={-1} className="outline-none" aria-label="Add a card">
      <CardTitle>Add a card</CardTitle>
      <Elements stripe={stripe.data} options={options}>
        <AddCardForm {...props} />
      </Elements>
    </Card>
  );
}

const WAITS_MS = [300, 700, 1_500, 3_000, 5_000];

function AddCardForm({ onClose, onLate }: AddCardProps) {
  const wording = useConfig().data?.save_card_wording;
  const { save, ready } = useSaveCard(wording?.id);
  const locked = useRef(false);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState<unknown>(null);

  const submit = async (event: FormEvent) => {
    event.preventDefault();
    if (locked.current) return;
    locked.current = true;
    setBusy(true);
    setError(null);
    try {
      const { stripeId, listed } = await save();
      if (listed) announce("Your card is saved.");
      else onLate(stripeId);
      onClose();
    } catch (reason) {
      setError(reason);
    }
    setBusy(false);
    locked.current = false;
  };

  return (
    <form onSubmit={submit} className="mt-4 grid gap-5" aria-label="New card">
      <PaymentElement options={{ layout: "tabs", terms: OWN_WORDING }} />
      <p className="text-base text-soft">{wording?.text}</p>
      <ErrorNotice error={error} />
      <div className="flex flex-wrap gap-3">
        <Button type="submit" busy={busy} disabled={!ready}>
          Save this card
        </Button>
        <Button look="quiet" disabled={busy} onClick={onClose}>
          Not now
        </Button>
      </div>
    </form>
  );
}

/** Returns `save`, which sends the wording that the buyer saw; it rejects when the card was not saved. */
function useSaveCard(wordingId: string | undefined) {
  const stripe = useStripe();
  const elements = useElements();
  const client = useQueryClient();

  async function save(): Promise<SavedCard> {
    if (!stripe || !elements)
      throw new ReadableError("The card form is not ready yet. Wait a moment, then save it.");
    const { error: incomplete } = await elements.submit();
    if (incomplete) throw readableError(classifyError(incomplete));
    const { client_secret: clientSecret } = await unwrap(
      paymentsMethodsSetupCreate({ body: { consent_wording: wordingId } }),
    );
    const { error: refused, setupIntent = null } = await stripe
      .confirmSetup({
        elements,
        clientSecret,
        confirmParams: { return_url: window.location.href },
        redirect: "if_required",
      })
      .catch(() => LOST_RESPONSE);
    const verdict = refused ? classifyError(refused) : null;
    if (verdict && verdict.kind !== "unknown") throw readableError(verdict);
    const saved = verdict ? await fetchSetupIntent(stripe, clientSecret) : setupIntent;
    if (saved?.status !== "succeeded") throw new OutcomeUnknown();
    const { payment_method: method } = saved;
    const stripeId = (typeof method === "string" ? method : method?.id) ?? "";
    const listed = await waitUntilListed(stripeId);
    await client.invalidateQueries({ queryKey: [OWN_DATA, "cards"] });
    return { stripeId, listed };
  }

  return { save, ready: stripe !== null };
}

/** Stripe's id of a card, and whether our list has it yet. */
type SavedCard = { stripeId: string; listed: boolean };

/** The result in place of one that Stripe.js threw instead of returning. */
const LOST_RESPONSE = { error: { type: "api_connection_error" }, setupIntent: undefined } as const;

class OutcomeUnknown extends ReadableError {
  constructor() {
    super(
      "Stripe’s answer was lost. If your card was saved, it is in this list in a minute; if not, save it once more. A card is never listed twice.",
    );
  }
}

const readableError = (verdict: ReturnType<typeof classifyError>) =>
  new ReadableError(
    verdict.kind === "unknown"
      ? "The card could not be checked. Look at it again, then save it."
      : verdict.reason,
  );

/** Fetches a SetupIntent whose confirmation was lost; null when Stripe can't be reached. */
async function fetchSetupIntent(stripe: Stripe, clientSecret: string): Promise<SetupIntent | null> {
  const result = await stripe.retrieveSetupIntent(clientSecret).catch(() => null);
  return result?.setupIntent ?? null;
}

/** Polls the list for a few seconds, because the card reaches our server by Stripe's webhook. */
async function waitUntilListed(id: string): Promise<boolean> {
  for (const wait of WAITS_MS) {
    await new Promise((resolve) => setTimeout(resolve, wait));
    // A failed poll does not matter: the card is saved at Stripe.
    const { data } = await paymentsMethodsRetrieve();
    if (data?.payment_methods.some((card) => card.stripe_payment_method_id === id)) return true;
  }
  return false;
}
