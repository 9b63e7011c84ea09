"use client";
import { LockKeyhole } from "lucide-react";
import { type FormEvent, type ReactNode, useState } from "react";
import type { Method } from "@/api/generated";
import { Button } from "@/components/ui/button";
import { Card, CardTitle } from "@/components/ui/card";
import { Switch } from "@/components/ui/switch";
import { formatMoney, type Split, toDecimal } from "@/lib/money";
import { useConfig } from "@/lib/queries";
import { useAccount } from "@/lib/use-account";
import { BoughtJustNow } from "./bought-just-now";
import { CardChoice } from "./card-choice";
import { ConfirmRepeat } from "./confirm-repeat";
import { type CreditsChoice, CreditsToggle } from "./credits-toggle";
import { HoldCountdown } from "./hold";
import type { NewCard } from "./new-card";
import { PaymentError } from "./payment-error";
import type { Purchase } from "./purchase";
import type { PaymentPlace } from "./use-exclusive-task";
import { usePay } from "./use-pay";

type Props = {
  purchase: Purchase;
  split: Split;
  cards: Method[];
  balanceMinor: number;
  credits: CreditsChoice;
  newCard: NewCard;
  save: boolean;
  onSave: (save: boolean) => void;
};

/** Saved cards, a new card, credits, and a button that names the amount it charges. */
export function CheckoutForm(props: Props) {
  const { purchase, split, cards, balanceMinor, credits, newCard, save, onSave } = props;
  const account = useAccount();
  const { savedCard, setPicked } = useSavedCard(cards);
  const { pay, payOnHostedPage, busy, error, placed, ready } = usePay();
  const [place, setPlace] = useState<PaymentPlace>("form");
  const paysByCard = split.cardMinor > 0;
  const blocked = busy === "hosted" || (paysByCard && !ready);
  const body = {
    ...purchase.body,
    use_credits: credits.use && split.creditsMinor > 0,
    save_payment_method: save,
  };
  const payer = { name: account?.name ?? "", email: account?.email ?? "" };
  const buy = (where: PaymentPlace, again?: string) => {
    setPlace(where);
    if (where === "hosted") return void payOnHostedPage(body, { again });
    void pay({ body, dueMinor: split.cardMinor, savedCard, newCard, payer }, { again });
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    buy("form");
  };
  return (
    <form onSubmit={submit} className="grid gap-5" aria-label="Payment">
      {balanceMinor > 0 ? (
        <CreditsToggle {...{ credits, split, balanceMinor }} currency={purchase.currency} />
      ) : null}
      {paysByCard ? (
        <CardSection cards={cards} savedCard={savedCard} onChoose={setPicked}>
          {savedCard === null && ready ? (
            <NewCardSection newCard={newCard} save={save} onSave={onSave} disabled={busy !== null} />
          ) : null}
        </CardSection>
      ) : null}
      <SubmitError error={error} purchase={purchase} onAgain={(orderId) => buy(place, orderId)} />
      {placed && paysByCard ? <HoldCountdown until={placed.expires_at} keepsPlace={purchase.holds} /> : null}
      <Button type="submit" size="large" busy={busy === "form"} disabled={blocked}>
        {payButtonText(purchase, split)}
      </Button>
      {paysByCard ? <HostedPageButton busy={busy} onClick={() => buy("hosted")} /> : null}
    </form>
  );
}

type SubmitErrorProps = { error: unknown; purchase: Purchase; onAgain: (orderId: string) => void };

function SubmitError({ error, purchase, onAgain }: SubmitErrorProps) {
  if (!error) return null;
  if (error instanceof BoughtJustNow)
    return <ConfirmRepeat error={error} onAgain={() => onAgain(error.orderId)} />;
  return <PaymentError error={error} purchase={purchase} />;
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

function NewCardSection({ newCard, save, onSave, disabled }: NewCardSectionProps) {
  return (
    <div className="mt-5 grid gap-5">
      <newCard.Fields />
      <Switch
        checked={save}
        onChange={onSave}
        disabled={disabled}
        label={
          <>
            <span className="font-semibold">Save this card</span>
            <span className="block text-base text-soft">
              For your next booking. You can delete it any time.
            </span>
          </>
        }
      />
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
