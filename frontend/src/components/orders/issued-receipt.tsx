"use client";
import { useMutation } from "@tanstack/react-query";
import { Download, Printer } from "lucide-react";
import {
  type CreditNote,
  ordersCreditNotesPdfRetrieve,
  ordersReceiptPdfRetrieve,
  type Receipt,
  type ReceiptLine,
} from "@/api/generated";
import { unwrap } from "@/api/problem";
import { Button } from "@/components/ui/button";
import { Card, CardTitle } from "@/components/ui/card";
import { ErrorNotice } from "@/components/ui/notice";
import { announce } from "@/lib/announce";
import { saveFile } from "@/lib/download";
import { formatMoney, isZero } from "@/lib/money";
import { formatDate } from "@/lib/time";
import { Sum, Sums } from "./sums";

/** A numbered receipt, as it was issued, with what was returned of it since. */
export function IssuedReceipt({ receipt }: { receipt: Receipt }) {
  return (
    <Card aria-labelledby="receipt-title">
      <CardTitle id="receipt-title">Receipt</CardTitle>
      <Facts receipt={receipt} />
      <div className="mt-5 grid gap-5 sm:grid-cols-2 print:grid-cols-2">
        <Party title="Seller" lines={sellerLines(receipt)} />
        <Party title="Buyer" lines={buyerLines(receipt)} />
      </div>
      <Sums className="mt-5 border-line border-t pt-3">
        {receipt.lines.map((line) => (
          <Sum
            key={line.description + line.details + line.amount}
            label={<LineLabel line={line} />}
            amount={formatMoney(line.amount, receipt.currency)}
          />
        ))}
      </Sums>
      <Totals receipt={receipt} />
      <SaveAndPrint receipt={receipt} />
      <CreditNotes receipt={receipt} />
    </Card>
  );
}

function Facts({ receipt }: { receipt: Receipt }) {
  const facts = [
    ["Number", receipt.number],
    ["Date", formatDate(receipt.issued_on)],
    ["Order", receipt.order_id],
  ];
  return (
    <dl className="mt-3 grid grid-cols-[auto_1fr] gap-x-4 text-base">
      {facts.map(([name, value]) => (
        <div key={name} className="contents">
          <dt className="text-soft">{name}</dt>
          <dd className="tabular min-w-0 [overflow-wrap:anywhere]">{value}</dd>
        </div>
      ))}
    </dl>
  );
}

function sellerLines({ seller }: Receipt): string[] {
  const taxId = seller.tax_id ? `Tax ID ${seller.tax_id}` : "";
  return [seller.name, seller.address, seller.country, taxId, seller.email];
}

const buyerLines = ({ buyer }: Receipt): string[] => [buyer.name, buyer.address, buyer.email];

function Party({ title, lines }: { title: string; lines: string[] }) {
  return (
    <section className="min-w-0">
      <h3 className="text-base text-soft">{title}</h3>
      {/* The direction of each line is that of its own script. */}
      <p dir="auto" className="whitespace-pre-line [overflow-wrap:anywhere]">
        {lines.filter(Boolean).join("\n")}
      </p>
    </section>
  );
}

function LineLabel({ line }: { line: ReceiptLine }) {
  const more = [line.details, line.dates.map(formatDate).join(", ")].filter(Boolean);
  return (
    <>
      {line.quantity > 1 ? `${line.quantity} × ` : ""}
      {line.description}
      {more.map((text) => (
        <span key={text} className="block text-base text-soft">
          {text}
        </span>
      ))}
    </>
  );
}

function Totals({ receipt }: { receipt: Receipt }) {
  const { tax, currency } = receipt;
  const rows = [
    { label: `including ${tax.label} ${formatRate(tax.rate)}`, amount: tax.amount },
    { label: "Paid with credits", amount: receipt.credits_applied },
    { label: `Paid by ${receipt.payment_method}`, amount: receipt.charged },
  ];
  return (
    <>
      <Sums className="mt-3 border-line border-t pt-3">
        <Sum label="Total" amount={formatMoney(receipt.amount, currency)} strong />
        {rows
          .filter(({ amount }) => !isZero(amount))
          .map(({ label, amount }) => (
            <Sum key={label} label={label} amount={formatMoney(amount, currency)} />
          ))}
      </Sums>
      {tax.note ? <p className="mt-2 text-base text-soft">{tax.note}</p> : null}
    </>
  );
}

/** Returns a rate such as "23 %" for "23.000". */
const formatRate = (rate: string) => `${rate.includes(".") ? rate.replace(/\.?0+$/, "") : rate} %`;

function SaveAndPrint({ receipt }: { receipt: Receipt }) {
  const save = useMutation({
    mutationFn: () => unwrap(ordersReceiptPdfRetrieve({ path: { order_id: receipt.order_id } })),
    onSuccess: (file) => saved(file, `receipt-${receipt.number}.pdf`),
  });
  return (
    <div className="no-print mt-5">
      <div className="flex flex-wrap gap-3">
        <Button look="quiet" size="small" busy={save.isPending} onClick={() => save.mutate()}>
          <Download aria-hidden="true" className="size-4" />
          Save as PDF
        </Button>
        <Button look="quiet" size="small" onClick={() => window.print()}>
          <Printer aria-hidden="true" className="size-4" />
          Print
        </Button>
      </div>
      <ErrorNotice error={save.error} className="mt-3" />
    </div>
  );
}

function CreditNotes({ receipt }: { receipt: Receipt }) {
  if (receipt.credit_notes.length === 0) return null;
  return (
    <section className="mt-5 border-line border-t pt-4">
      <h3 className="font-semibold">Credit notes</h3>
      <ul className="mt-2 grid gap-3">
        {receipt.credit_notes.map((note) => (
          <NoteRow key={note.number} note={note} receipt={receipt} />
        ))}
      </ul>
    </section>
  );
}

function NoteRow({ note, receipt }: { note: CreditNote; receipt: Receipt }) {
  const save = useMutation({
    mutationFn: () =>
      unwrap(ordersCreditNotesPdfRetrieve({ path: { order_id: receipt.order_id, number: note.number } })),
    onSuccess: (file) => saved(file, `credit-note-${note.number}.pdf`),
  });
  return (
    <li>
      <p className="flex justify-between gap-4">
        <span className="tabular min-w-0 font-semibold [overflow-wrap:anywhere]">{note.number}</span>
        <span className="tabular shrink-0">{formatMoney(note.amount, receipt.currency)}</span>
      </p>
      <p className="text-base text-soft">
        {formatDate(note.issued_on)}: {destinationText(note, receipt)}
      </p>
      <Button
        look="plain"
        size="small"
        className="no-print"
        aria-label={`Save as PDF: credit note ${note.number}`}
        busy={save.isPending}
        onClick={() => save.mutate()}
      >
        <Download aria-hidden="true" className="size-4" />
        Save as PDF
      </Button>
      <ErrorNotice error={save.error} className="mt-2" />
    </li>
  );
}

/** Says how much went back the way it was paid, and how much to credits; or what of it did not go through. */
function destinationText(note: CreditNote, { currency, payment_method }: Receipt): string {
  const isCorrection = isNegative(note.amount);
  const parts = [
    { amount: note.to_card, to: payment_method },
    { amount: note.to_credits, to: "your credits" },
  ]
    .filter(({ amount }) => !isZero(amount) && isNegative(amount) === isCorrection)
    .map(({ amount, to }) => `${formatMoney(amount.replace("-", ""), currency)} to ${to}`)
    .join(", ");
  return isCorrection ? `corrects an earlier credit note. ${parts} did not go through.` : parts;
}

const isNegative = (amount: string) => amount.startsWith("-");

function saved(file: Blob | File, name: string): void {
  saveFile(file, name);
  announce(`${name} is saved.`);
}
