"use client";
import { LockKeyhole, Undo2 } from "lucide-react";
import Link from "next/link";
import { type FormEvent, type ReactNode, useState } from "react";
import type { Method } from "@/api/generated";
import { serverNow } from "@/api/server-clock";
import { Button } from "@/components/ui/button";
import { Card, CardTitle } from "@/components/ui/card";
import { Switch } from "@/components/ui/switch";
import { announce } from "@/lib/announce";
import { formatMoney, type Split, toDecimal } from "@/lib/money";
import { useConfig } from "@/lib/queries";
import { formatTimestamp } from "@/lib/time";
import { useAccount } from "@/lib/use-account";
import { BoughtJustNow } from "./bought-just-now";
import { CardChoice } from "./card-choice";
import { ConfirmRepeat } from "./confirm-repeat";
import { type CreditsChoice, CreditsToggle } from "./credits-toggle";
import { Declined } from "./declined";
import { HoldNotice, useSecondsLeft } from "./hold";
import type { NewCard } from "./new-card";
import { PaymentError } from "./payment-error";
import type { Purchase } from "./purchase";
import type { Balance } from "./use-balance";
import type { PaymentPlace } from "./use-exclusive-task";
import { usePay } from "./use-pay";

type Props = {
  purchase: Purchase;
  split: Split;
  cards: Method[];
  balance: Balance;
  credits: CreditsChoice;
  newCard: NewCard;
  save: boolean;
  onSave: (save: boolean) => void;
};

/** Saved cards, a new card, credits, and a button that names the amount it charges. */
export function CheckoutForm(props: Props) {
  const { purchase, split, cards, balance, credits, newCard, save, onSave } = props;
  const account = useAccount();
  const { savedCard, setPicked } = useSavedCard(cards);
  const { pay, payOnHostedPage, holdAgain, busy, error, placed, ready } = usePay();
  const wording = useConfig().data?.save_card_wording;
  const heldUntil = useOwnHold(balance, placed?.expires_at);
  const [place, setPlace] = useState<PaymentPlace>("form");
  const paysByCard = split.cardMinor > 0;
  const blocked = busy === "hosted" || (paysByCard && !ready);
  // The sentence of consent stands beside a new card alone.
  const savesCard = save && paysByCard && savedCard === null;
  const body = {
    ...purchase.body,
    use_credits: credits.use && purchase.type !== "credits",
    // Should the balance have changed by then, another amount is due. The server refuses that and spends nothing.
    amount_due: toDecimal(split.cardMinor, purchase.currency),
    currency: purchase.currency,
    save_payment_method: savesCard,
    ...(savesCard && wording ? { consent_wording: wording.id } : {}),
  };
  const payer = { name: account?.name ?? "", email: account?.email ?? "" };
  const buy = (where: PaymentPlace, again?: string) => {
    setPlace(where);
    if (where === "hosted") return void payOnHostedPage(body, { again });
    void pay({ body, savedCard, newCard, payer }, { again });
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    buy("form");
  };
  return (
    <form onSubmit={submit} className="grid gap-5" aria-label="Payment">
      {balance.minor > 0 ? (
        <CreditsToggle {...{ credits, split }} balanceMinor={balance.minor} currency={purchase.currency} />
      ) : null}
      {paysByCard ? (
        <CardSection cards={cards} savedCard={savedCard} onChoose={setPicked}>
          {savedCard === null && ready ? (
            <NewCardSection newCard={newCard} save={save} onSave={onSave} disabled={busy !== null} />
          ) : null}
        </CardSection>
      ) : null}
      <SubmitError
        error={error}
        heldUntil={heldUntil}
        purchase={purchase}
        onAgain={(orderId) => {
          announce("It is bought once more.");
          buy(place, orderId);
        }}
      />
      {heldUntil && paysByCard ? (
        <HoldNotice
          until={heldUntil}
          keepsPlace={purchase.holds}
          busy={busy === "form"}
          onAgain={() => void holdAgain(body)}
        />
      ) : null}
      <CancellationTerms purchase={purchase} />
      <Button type="submit" size="large" busy={busy === "form"} disabled={blocked}>
        {payButtonText(purchase, split)}
      </Button>
      {paysByCard ? <HostedPageButton busy={busy} onClick={() => buy("hosted")} /> : null}
    </form>
  );
}

type SubmitErrorProps = {
  error: unknown;
  heldUntil: string | null;
  purchase: Purchase;
  onAgain: (orderId: string) => void;
};

function SubmitError({ error, heldUntil, purchase, onAgain }: SubmitErrorProps) {
  const left = useSecondsLeft(heldUntil);
  // Once the hold is over, "try again with another card" is no longer the next step.
  if (!error || (left === 0 && error instanceof Declined)) return null;
  if (error instanceof BoughtJustNow)
    return <ConfirmRepeat error={error} onAgain={() => onAgain(error.orderId)} />;
  return <PaymentError error={error} back={purchase.back} />;
}

/**
 * Returns until when what is bought is kept for the buyer: by the order just placed, or by one placed before.
 *
 * It stays once it is over: the server then lists that order as unpaid no longer.
 */
function useOwnHold({ order, isSame }: Balance, placedUntil: string | undefined): string | null {
  const [last, setLast] = useState<string | null>(null);
  const until = placedUntil ?? (isSame && order ? order.expires_at : last);
  if (until !== last) setLast(until);
  return until;
}

/** Selects the default card at first, and deselects a card that was deleted. Null means a new card. */
function useSavedCard(cards: Method[]) {
  const [picked, setPicked] = useState<string | null | undefined>(undefined);
  const byDefault = cards.find((card) => card.is_default)?.stripe_payment_method_id ?? null;
  const stillSaved = picked === null || cards.some((card) => card.stripe_payment_method_id === picked);
  return { savedCard: picked === undefined || !stillSaved ? byDefault : picked, setPicked };
}

type CardSectionProps = {
  cards: Method[];
  savedCard: string | null;
  onChoose: (card: string | null) => void;
  children: ReactNode;
};

function CardSection({ cards, savedCard, onChoose, children }: CardSectionProps) {
  return (
    <Card>
      <CardTitle>How would you like to pay?</CardTitle>
      {cards.length > 0 ? <CardChoice cards={cards} chosen={savedCard} onChoose={onChoose} /> : null}
      {children}
      <SandboxHint />
    </Card>
  );
}

type NewCardSectionProps = Pick<Props, "newCard" | "save" | "onSave"> & { disabled: boolean };

/** The fields of a new card, and whether to save it: the server's sentence, which is kept with the card. */
function NewCardSection({ newCard, save, onSave, disabled }: NewCardSectionProps) {
  const wording = useConfig().data?.save_card_wording;
  return (
    <div className="mt-5 grid gap-5">
      <newCard.Fields />
      {wording ? <Switch checked={save} onChange={onSave} disabled={disabled} label={wording.text} /> : null}
    </div>
  );
}

type HostedPageButtonProps = { busy: PaymentPlace | null; onClick: () => void };

function HostedPageButton({ busy, onClick }: HostedPageButtonProps) {
  return (
    <p className="text-center text-base text-soft">
      <LockKeyhole aria-hidden="true" className="mr-1.5 inline size-4 align-[-2px]" />
      Your card goes to Stripe and never touches our servers.{" "}
      <Button
        look="plain"
        className="text-base underline"
        busy={busy === "hosted"}
        disabled={busy === "form"}
        onClick={onClick}
      >
        Pay on Stripe’s own page instead
      </Button>
    </p>
  );
}

/** What cancelling returns, before the buyer pays. */
function CancellationTerms({ purchase: { terms, freeUntil } }: { purchase: Purchase }) {
  if (!terms) return null;
  return (
    <p className="flex gap-2.5 text-base">
      <Undo2 aria-hidden="true" className="mt-1 size-4 shrink-0 text-tide" />
      <span>
        {terms}
        {freeUntil ? <span className="block font-semibold">{deadlineText(freeUntil)}</span> : null}{" "}
        <Link href="/terms/" className="underline underline-offset-4">
          Terms
        </Link>
      </span>
    </p>
  );
}

const deadlineText = (freeUntil: string) =>
  Date.parse(freeUntil) > serverNow()
    ? `Free until ${formatTimestamp(freeUntil)}.`
    : `That was ${formatTimestamp(freeUntil)}: this booking can’t be canceled for free any more.`;

function payButtonText({ currency }: Purchase, { cardMinor, creditsMinor }: Split): string {
  if (cardMinor === 0) return `Pay ${formatMoney(toDecimal(creditsMinor, currency), currency)} with credits`;
  return `Pay ${formatMoney(toDecimal(cardMinor, currency), currency)}`;
}

function SandboxHint() {
  if (!useConfig().data?.sandbox) return null;
  return (
    <p className="mt-5 rounded-xl bg-sand/70 px-4 py-2.5 text-base text-soft">
      Sandbox: <span className="tabular">4242 4242 4242 4242</span> pays,{" "}
      <span className="tabular">4000 0000 0000 0002</span> is declined,{" "}
      <span className="tabular">4000 0025 0000 3155</span> asks you to confirm. Any date to come, any CVC.
    </p>
  );
}
