"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { type Method, paymentsMethodsDefaultCreate, paymentsMethodsDestroy } from "@/api/generated";
import { unwrap } from "@/api/problem";
import { Badge } from "@/components/ui/badge";
import { Button } from "@/components/ui/button";
import { ConfirmDialog } from "@/components/ui/confirm-dialog";
import { EmptyState } from "@/components/ui/empty-state";
import { Loading } from "@/components/ui/loading";
import { ErrorNotice, LoadError, Notice } from "@/components/ui/notice";
import { announce } from "@/lib/announce";
import { cardName } from "@/lib/cards";
import { OWN_DATA, useCards } from "@/lib/queries";
import { formatTimestamp } from "@/lib/time";
import { AddCard } from "./add-card";
import { CardFace } from "./card-face";

const makeDefault = (card: Method) =>
  unwrap(paymentsMethodsDefaultCreate({ body: { payment_method_id: card.id } }));

/** Lists the saved cards; sets the default, deletes a card after a confirmation, adds a card. */
export function PaymentMethodsManager() {
  const cards = useCards();
  const client = useQueryClient();
  const [adding, setAdding] = useState<boolean>();
  const some = cards.data && cards.data.length > 0;
  const refresh = () => client.invalidateQueries({ queryKey: [OWN_DATA, "cards"] });
  const setDefault = useMutation({
    mutationFn: makeDefault,
    onSuccess: (_, card) => announce(`${cardName(card)} is your default now.`),
    onSettled: refresh,
  });
  const [late, waitForCard] = useLateCard(cards.data);
  if (cards.isPending) return <Loading />;
  if (cards.isError) return <LoadError query={cards} />;
  return (
    <div className="grid max-w-2xl gap-5">
      <ErrorNotice error={setDefault.error} changes />
      {late ? <LateCardNotice /> : null}
      {some || adding ? null : <NoCards />}
      <ul className="grid gap-3">
        {cards.data.map((card) => (
          <SavedCard
            key={card.id}
            card={card}
            busy={setDefault.isPending && setDefault.variables.id === card.id}
            onDefault={() => setDefault.mutate(card)}
            onDeleted={refresh}
          />
        ))}
      </ul>
      {adding ? (
        <AddCard onClose={() => setAdding(false)} onLate={waitForCard} />
      ) : (
        <AddCardButton
          look={some ? "quiet" : "primary"}
          autoFocus={adding === false}
          onClick={() => setAdding(true)}
        />
      )}
    </div>
  );
}

function AddCardButton(button: { look: "quiet" | "primary"; autoFocus: boolean; onClick: () => void }) {
  return (
    <Button {...button} className="justify-self-start">
      Add a card
    </Button>
  );
}

/**
 * Returns whether a saved card is missing from the list, and how to report one by Stripe's id.
 *
 * Until it is there, the list is asked for again, for a minute: one that was replaced meanwhile never comes.
 */
function useLateCard(cards: Method[] | undefined): [boolean, (stripeId: string) => void] {
  const client = useQueryClient();
  const [missing, setMissing] = useState<string | null>(null);
  const isListed = cards?.some(({ stripe_payment_method_id: stripeId }) => stripeId === missing);
  const late = missing !== null && !isListed;
  useEffect(() => {
    if (!late) return;
    const refresh = () => client.invalidateQueries({ queryKey: [OWN_DATA, "cards"] });
    const asking = setInterval(refresh, ASK_AGAIN_MS);
    const givingUp = setTimeout(() => setMissing(null), GIVE_UP_AFTER_MS);
    return () => {
      clearInterval(asking);
      clearTimeout(givingUp);
    };
  }, [late, client]);
  return [late, setMissing];
}

const ASK_AGAIN_MS = 3_000;
const GIVE_UP_AFTER_MS = 60_000;

function LateCardNotice() {
  return (
    <Notice kind="good" title="Your card is saved">
      <p>Stripe has it. It will be in this list in a moment: there is no need to add it again.</p>
    </Notice>
  );
}

function NoCards() {
  return (
    <EmptyState title="No saved cards">
      <p>Save one here, or while you pay. Next time a click is enough.</p>
    </EmptyState>
  );
}

type SavedCardProps = { card: Method; busy: boolean; onDefault: () => void; onDeleted: () => unknown };

function SavedCard({ card, busy, onDefault, onDeleted }: SavedCardProps) {
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-3 rounded-2xl border border-line bg-card px-5 py-4">
      <CardFace card={card} />
      {card.is_default ? <Badge tone="calm">Default</Badge> : null}
      <div className="flex w-full flex-wrap gap-x-5 sm:w-auto">
        {card.is_default ? null : (
          <Button
            look="plain"
            aria-label={`Set ${cardName(card)} as default`}
            busy={busy}
            onClick={onDefault}
          >
            Set as default
          </Button>
        )}
        <DeleteCard card={card} onDone={onDeleted} />
      </div>
      <Agreement card={card} />
    </li>
  );
}

/** What the owner agreed to when the card was saved. */
function Agreement({ card: { consent } }: { card: Method }) {
  if (!consent) return null;
  return (
    <details className="w-full text-base text-soft">
      <summary className="min-h-11 cursor-pointer py-2.5 underline underline-offset-4">
        What you agreed to
      </summary>
      <p>
        “{consent.text}” {formatTimestamp(consent.given_at)}
      </p>
    </details>
  );
}

function DeleteCard({ card, onDone }: { card: Method; onDone: () => unknown }) {
  const [open, setOpen] = useState(false);
  const remove = useMutation({
    mutationFn: () => unwrap(paymentsMethodsDestroy({ path: { payment_method_id: card.id } })),
    onSuccess: () => {
      setOpen(false);
      announce(`${cardName(card)} is deleted.`);
    },
    onSettled: onDone,
  });
  return (
    <>
      <Button
        look="plain"
        className="text-clay"
        aria-label={`Delete ${cardName(card)}`}
        onClick={() => setOpen(true)}
      >
        Delete
      </Button>
      <ConfirmDialog
        open={open}
        onOpenChange={setOpen}
        title="Delete this card?"
        confirm="Delete the card"
        keep="Keep it"
        busy={remove.isPending}
        error={remove.error}
        onConfirm={() => remove.mutate()}
      >
        <p>{cardName(card)} can no longer be used here. What you have paid with it stays paid.</p>
      </ConfirmDialog>
    </>
  );
}
