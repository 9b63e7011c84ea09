"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useId, useState } from "react";
import type { DatePreview } from "@/api/generated";
import { ForPractitioners, isForPractitioners } from "@/components/auth/for-practitioners";
import { Button } from "@/components/ui/button";
import { Card, CardTitle } from "@/components/ui/card";
import { Loading } from "@/components/ui/loading";
import { ErrorNotice, LoadError, Notice } from "@/components/ui/notice";
import { announce } from "@/lib/announce";
import { type ChangeRequest, confirmChange, newPreviewIn } from "@/lib/date-changes";
import { formatMoney } from "@/lib/money";
import { datePreviewQuery, OWN_DATA } from "@/lib/queries";
import { useSteady } from "@/lib/steady";
import { CalledOffDates } from "./called-off-dates";
import { ConsequenceList } from "./consequence-list";

const MESSAGE_MAX = 1000;

type Props = { request: ChangeRequest; onStarted: (change: string) => void };

/** Shows what a change would do, takes words to the guests, and does exactly what is shown. */
export function DateChangeForm({ request, onStarted }: Props) {
  const query = datePreviewQuery(request);
  const preview = useSteady(useQuery(query), JSON.stringify(request));
  const [message, setMessage] = useState("");
  const client = useQueryClient();
  const confirm = useMutation({
    mutationFn: (previewId: string) => confirmChange(request, previewId, message),
    onSuccess: (change) => {
      announce("It has begun. Your guests are being written to.");
      for (const changed of ["roster", "date changes"])
        void client.invalidateQueries({ queryKey: [OWN_DATA, changed] });
      onStarted(change.change_id);
    },
    onError: (error) => {
      const fresh = newPreviewIn(error);
      if (fresh) client.setQueryData(query.queryKey, fresh);
    },
  });
  if (preview.isPending) return <Loading rows={2} />;
  if (isForPractitioners(preview.error)) return <ForPractitioners />;
  if (preview.isError) return <LoadError query={preview} />;
  const changed = newPreviewIn(confirm.error);
  return (
    <form
      className="grid gap-6"
      onSubmit={(event) => {
        event.preventDefault();
        confirm.mutate(preview.data.preview_id);
      }}
    >
      {changed ? (
        <Notice kind="bad" title="Things have changed since you looked">
          <p>Nothing was done. This is how it stands now: look at it, and confirm it again.</p>
        </Notice>
      ) : (
        <ErrorNotice error={confirm.error} changes />
      )}
      <PreviewCard preview={preview.data} />
      <Message value={message} onChange={setMessage} />
      <Button
        type="submit"
        look="danger"
        size="large"
        busy={confirm.isPending}
        className="justify-self-start"
      >
        {confirmLabel(preview.data)}
      </Button>
    </form>
  );
}

function PreviewCard({ preview }: { preview: DatePreview }) {
  const moves = preview.kind === "move";
  return (
    <Card>
      <CardTitle>{preview.title}</CardTitle>
      <p className="mt-2">{summary(preview)}</p>
      {preview.totals.length > 0 ? (
        <ul className="mt-2 font-semibold">
          {preview.totals.map((total) => (
            <li key={`${total.currency}${total.tender}`}>
              {formatMoney(total.amount, total.currency)}{" "}
              {total.tender === "credits" ? "goes back as credits" : "goes back the way it was paid"}
            </li>
          ))}
        </ul>
      ) : null}
      {moves ? (
        <p className="mt-2 text-soft">
          Who can’t come to the new time gets everything back with one click: until it begins, and for 24
          hours at least.
        </p>
      ) : null}
      <CalledOffDates dates={preview.called_off_dates} more={preview.more_called_off_dates} />
      <ConsequenceList rows={preview.rows} />
    </Card>
  );
}

const people = (count: number) => (count === 1 ? "1 guest" : `${count} guests`);

function summary(preview: DatePreview): string {
  const { guests, refunded_guests: refunded, held_back_guests: held, unpaid_orders: unpaid } = preview;
  const calledOff = preview.kind !== "move";
  const sentences = [
    guests === 0 ? "Nobody has booked." : "",
    guests > 0 && !calledOff ? `${people(guests)} ${guests === 1 ? "moves" : "move"}.` : "",
    refunded > 0 ? `${people(refunded)} ${refunded === 1 ? "gets" : "get"} money back.` : "",
    held > 0
      ? `${people(held)} ${held === 1 ? "has" : "have"} disputed the payment: nothing goes back until that has ended.`
      : "",
    calledOff && guests > refunded + held
      ? `${people(guests - refunded - held)} without a refund: see why below.`
      : "",
    unpaid > 0
      ? `${unpaid === 1 ? "1 order that is not paid ends" : `${unpaid} orders that are not paid end`}.`
      : "",
  ];
  return sentences.filter(Boolean).join(" ");
}

function confirmLabel({ kind, guests, refunded_guests: refunded, totals }: DatePreview): string {
  if (kind === "move") return guests === 0 ? "Move it" : `Move it with ${people(guests)}`;
  const what = kind === "call_off_days" ? "Call off this time" : "Call it off";
  const [sum, ...others] = totals;
  if (!sum) return what;
  // Of several currencies or ways to refund there is no one sum.
  const much = others.length === 0 ? `${formatMoney(sum.amount, sum.currency)} to ` : "";
  return `${what} and refund ${much}${people(refunded)}`;
}

function Message({ value, onChange }: { value: string; onChange: (text: string) => void }) {
  const id = useId();
  return (
    <div>
      <label htmlFor={id} className="mb-1.5 block font-semibold">
        A message to your guests (if you like)
      </label>
      <textarea
        id={id}
        rows={4}
        maxLength={MESSAGE_MAX}
        value={value}
        onChange={(event) => onChange(event.target.value)}
        aria-describedby={`${id}-hint`}
        className="w-full rounded-xl border border-edge bg-white px-4 py-3 outline-none focus:border-tide focus:ring-3 focus:ring-tide/20"
      />
      <p id={`${id}-hint`} className="text-base text-soft">
        It is part of the mail that says what happened and what goes back. {MESSAGE_MAX - value.length}{" "}
        characters left.
      </p>
    </div>
  );
}
