"use client";
import { Elements } from "@stripe/react-stripe-js";
import { useSearchParams } from "next/navigation";
import { useCallback, useEffect, useMemo, useState } from "react";
import type { Method } from "@/api/generated";
import { RequireSignInInline } from "@/components/auth/require-sign-in";
import { ButtonLink } from "@/components/ui/button";
import { EmptyState } from "@/components/ui/empty-state";
import { Loading } from "@/components/ui/loading";
import { LoadError } from "@/components/ui/notice";
import { PageTitle } from "@/components/ui/page-title";
import { useCards, useConfig } from "@/lib/queries";
import { useStripeJs } from "@/lib/stripe";
import { BackFromStripe } from "./back-from-stripe";
import { CheckoutForm } from "./checkout-form";
import type { CreditsChoice } from "./credits-toggle";
import type { NewCard } from "./new-card";
import { OrderInDoubtContext, returnPath } from "./order-in-doubt";
import type { Purchase } from "./purchase";
import { PurchaseSummary } from "./purchase-summary";
import { OrderPaymentStatus } from "./return-page";
import { type Balance, spendsCredits, splitFor, useBalance } from "./use-balance";
import { type NoPurchase, usePurchase } from "./use-purchase";

/**
 * The checkout. When the outcome of a payment is unknown, the order's status takes its place.
 *
 * No other page is loaded for that, because often the network has failed. An `order` in the URL means that its payment
 * was in progress when this page was last left.
 */
export function CheckoutPage({ newCard }: { newCard: NewCard }) {
  const { inDoubt, checkOrder } = useDoubtfulOrder();
  const context = useMemo(() => ({ checkOrder }), [checkOrder]);
  if (inDoubt) return <OrderPaymentStatus orderId={inDoubt} />;
  return (
    <OrderInDoubtContext value={context}>
      <Checkout newCard={newCard} />
    </OrderInDoubtContext>
  );
}

/** Returns the order whose payment is in doubt, until the URL names it no longer, and a setter. */
function useDoubtfulOrder() {
  const orderInUrl = useSearchParams().get("order");
  const [doubt, setDoubt] = useState(orderInUrl ? { order: orderInUrl, isInUrl: true } : null);
  if (doubt && !doubt.isInUrl && orderInUrl === doubt.order) setDoubt({ ...doubt, isInUrl: true });
  if (doubt?.isInUrl && orderInUrl !== doubt.order) setDoubt(null);
  const checkOrder = useCallback((order: string) => {
    setDoubt({ order, isInUrl: false });
    window.history.replaceState(null, "", returnPath(order));
  }, []);
  return { inDoubt: doubt?.order ?? null, checkOrder };
}

/** Summary on one side, payment on the other; `newCard` is the Stripe Element that takes a new card. */
function Checkout({ newCard }: { newCard: NewCard }) {
  const { purchase, failed, missing } = usePurchase();
  const canceled = useSearchParams().get("canceled") === "1";
  const [choice, setChoice] = useState<boolean>();
  if (failed) return <LoadError query={failed} />;
  if (missing) return <NothingToPay {...missing} />;
  if (!purchase) return <Loading />;
  return (
    <>
      <PageTitle>Checkout</PageTitle>
      {canceled ? <BackFromStripe purchase={purchase} /> : null}
      <div className="grid gap-6 lg:grid-cols-[1fr_22rem] lg:gap-10">
        <div className="order-2 lg:order-1">
          <RequireSignInInline why="Your booking, its receipt and your cards belong to your account. It takes a minute.">
            <Payment purchase={purchase} newCard={newCard} choice={choice} onChoice={setChoice} />
          </RequireSignInInline>
        </div>
        <PurchaseSummary purchase={purchase} className="order-1 lg:order-2" />
      </div>
    </>
  );
}

function NothingToPay({ title, href, label }: NoPurchase) {
  return (
    <>
      <h1 className="sr-only">Checkout</h1>
      <EmptyState title={title} action={<ButtonLink href={href}>{label}</ButtonLink>} />
    </>
  );
}

type PaymentProps = {
  purchase: Purchase;
  newCard: NewCard;
  /** Whether the buyer spends credits, once it was chosen on this page. */
  choice: boolean | undefined;
  onChoice: (use: boolean) => void;
};

function Payment({ purchase, newCard, choice, onChoice }: PaymentProps) {
  const chosenBefore = useSearchParams().get("use_credits") === "1";
  const config = useConfig();
  const stripe = useStripeJs();
  const cards = useCards();
  const balance = useBalance(purchase);
  const wasChosen = choice ?? (chosenBefore || (balance.data && spendsCredits(balance.data)));
  useEffect(() => {
    // It stays chosen when the order that says so has ended.
    if (choice === undefined && wasChosen) onChoice(true);
  }, [choice, wasChosen, onChoice]);
  if (cards.isError) return <LoadError query={cards} />;
  if (balance.isError) return <LoadError query={balance} />;
  if (!cards.data || !balance.data || !config.data || stripe.isPending) return <Loading />;
  return (
    <div className="grid gap-5">
      {stripe.isError ? <LoadError query={stripe} /> : null}
      <WithElements
        // Without Stripe.js, credits and the hosted page still work.
        stripe={stripe.data ?? null}
        newCard={newCard}
        purchase={purchase}
        cards={cards.data}
        balance={balance.data}
        credits={{ use: wasChosen ?? false, onChange: onChoice }}
        types={config.data.payment_method_types}
      />
    </div>
  );
}

type PaymentFormProps = {
  stripe: Parameters<typeof Elements>[0]["stripe"];
  newCard: NewCard;
  purchase: Purchase;
  cards: Method[];
  balance: Balance;
  credits: CreditsChoice;
  types: string[];
};

function WithElements({ stripe, newCard, purchase, types, ...rest }: PaymentFormProps) {
  const [save, setSave] = useState(false);
  const split = splitFor(purchase, rest.balance, rest.credits.use);
  const { currency, totalMinor } = purchase;
  // Elements refuse an amount of zero; they are hidden when nothing is due.
  const amountMinor = split.cardMinor || totalMinor;
  const options = useMemo(
    () => newCard.options({ amountMinor, currency, save, types }),
    [newCard, amountMinor, currency, save, types],
  );
  return (
    <Elements stripe={stripe} options={options}>
      <CheckoutForm
        newCard={newCard}
        purchase={purchase}
        split={split}
        save={save}
        onSave={setSave}
        {...rest}
      />
    </Elements>
  );
}
