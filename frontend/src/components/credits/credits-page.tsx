"use client";
import Link from "next/link";
import { useRouter } from "next/navigation";
import { type FormEvent, useState } from "react";
import type { Balance, CreditTransaction } from "@/api/generated";
import { ReadableError } from "@/api/problem";
import { RequireSignIn } from "@/components/auth/require-sign-in";
import { belowMinimumText } from "@/components/checkout/purchase";
import { Button } from "@/components/ui/button";
import { Card, CardTitle } from "@/components/ui/card";
import { Field } from "@/components/ui/field";
import { LoadMore } from "@/components/ui/load-more";
import { Loading } from "@/components/ui/loading";
import { ErrorNotice, LoadError, Notice } from "@/components/ui/notice";
import { PageTitle } from "@/components/ui/page-title";
import { cn } from "@/lib/cn";
import { formatMoney, isZero, parseAmount, roundAmount } from "@/lib/money";
import { useConfig, useCredits } from "@/lib/queries";
import { CREDIT_KINDS } from "@/lib/status-labels";
import { formatTimestamp } from "@/lib/time";

export function CreditsPage() {
  return (
    <>
      <PageTitle lead="Buy once, spend on anything. A credit is worth exactly what you paid for it.">
        Credits
      </PageTitle>
      <RequireSignIn why="Your credits are kept in your account.">
        <CreditsView />
      </RequireSignIn>
    </>
  );
}

function CreditsView() {
  const credits = useCredits();
  if (credits.isPending) return <Loading />;
  if (credits.isError) return <LoadError query={credits} />;
  const { currency, balances } = credits.data.pages[0] ?? { currency: "usd", balances: [] };
  const own = balances.find((one) => one.currency === currency) ?? { ...NOTHING, currency };
  const others = balances.filter((one) => one.currency !== currency && !isEmpty(one));
  const history = credits.data.pages.flatMap((page) => page.results);
  return (
    <div className="grid gap-6 lg:grid-cols-[1fr_1.3fr] lg:items-start">
      <div className="grid gap-6">
        <Balances own={own} others={others} />
        {[own, ...others].map((one) => (
          <FrozenNotice key={one.currency} {...one} />
        ))}
        <BuyCredits currency={currency} />
      </div>
      <Card>
        <CardTitle>History</CardTitle>
        {history.length === 0 ? (
          <p className="mt-3 text-soft">Nothing yet. What comes and goes will be here.</p>
        ) : null}
        <ul className="mt-2 divide-y divide-line">
          {history.map((entry) => (
            <Entry key={entry.id} entry={entry} />
          ))}
        </ul>
        <LoadMore pages={credits} />
      </Card>
    </div>
  );
}

const NOTHING = { balance: "0", frozen: "0", spendable: "0" };

const isEmpty = ({ balance, frozen }: Balance) => isZero(balance) && isZero(frozen);

/** The balance in the shop's currency, and those in others: each pays for what has a price in its currency. */
function Balances({ own, others }: { own: Balance; others: Balance[] }) {
  const isOwed = [own, ...others].some(({ balance }) => balance.startsWith("-"));
  return (
    <section className="rounded-3xl bg-tide-deep p-6 text-white sm:p-7">
      <h2 className="text-base text-white/85">Your balance</h2>
      <p className="tabular break-words font-display text-5xl">{formatMoney(own.balance, own.currency)}</p>
      {others.length > 0 ? (
        <ul className="tabular mt-4 grid gap-1 border-white/25 border-t pt-4 text-xl">
          {others.map(({ balance, currency }) => (
            <li key={currency}>
              {formatMoney(balance, currency)}{" "}
              <span className="text-base text-white/85">for prices in {currency.toUpperCase()}</span>
            </li>
          ))}
        </ul>
      ) : null}
      {isOwed ? (
        <p className="mt-3 text-white/90">
          Credits that were spent have been taken back. The next purchase makes up for it.
        </p>
      ) : null}
    </section>
  );
}

/** Explains frozen credits: the payment that bought them is disputed. */
function FrozenNotice({ frozen, spendable, currency }: Balance) {
  if (isZero(frozen)) return null;
  return (
    <Notice title={`You can spend ${formatMoney(spendable, currency)} now`}>
      <p>
        Your bank has asked about a payment that bought {formatMoney(frozen, currency)} in credits. They wait
        until it has decided.
      </p>
    </Notice>
  );
}

function Entry({ entry }: { entry: CreditTransaction }) {
  const gone = entry.amount.startsWith("-");
  return (
    <li className="flex items-baseline justify-between gap-4 py-3">
      <span>
        <span className="block font-semibold">
          {entry.order_id ? (
            <Link href={`/orders/?id=${entry.order_id}`} className="underline underline-offset-4">
              {CREDIT_KINDS[entry.kind]}
              {entry.kind === "spend" && entry.order_title ? `: ${entry.order_title}` : null}
            </Link>
          ) : (
            CREDIT_KINDS[entry.kind]
          )}
        </span>
        <span className="text-base text-soft">{formatTimestamp(entry.created_at)}</span>
      </span>
      <span className="tabular text-right">
        <span className={cn("block font-semibold", !gone && "text-moss")}>
          {gone ? "" : "+"}
          {formatMoney(entry.amount, entry.currency)}
        </span>
        <span className="text-base text-soft">{formatMoney(entry.balance_after, entry.currency)}</span>
      </span>
    </li>
  );
}

/** Waits for the smallest charge, of which the usual amounts are multiples. */
function BuyCredits({ currency }: { currency: string }) {
  const config = useConfig();
  if (config.isError) return <LoadError query={config} />;
  if (!config.data) return <Loading rows={1} />;
  return <BuyCreditsForm currency={currency} minimum={config.data.minimum_charge} />;
}

function BuyCreditsForm({ currency, minimum }: { currency: string; minimum: string }) {
  const router = useRouter();
  const usual = AMOUNTS.map((units) => roundAmount(units, currency, minimum));
  const hint = amountHint(currency, minimum);
  const [amount, setAmount] = useState(usual[1] ?? "");
  const [problem, setProblem] = useState<ReadableError | null>(null);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const parsed = parseAmount(amount, currency);
    const message = parsed ? belowMinimumText(parsed, currency, minimum) : hint;
    setProblem(message ? new ReadableError(message) : null);
    if (!message) router.push(`/checkout/?credits=${parsed}`);
  };
  return (
    <Card>
      <CardTitle>Buy credits</CardTitle>
      <form onSubmit={submit} className="mt-4 grid gap-4">
        <ErrorNotice error={problem} />
        <UsualAmounts {...{ currency, usual }} chosen={amount} onChoose={setAmount} />
        <Field
          label={`Another amount, in ${currency.toUpperCase()}`}
          inputMode="decimal"
          hint={hint}
          required
          value={amount}
          onChange={(event) => setAmount(event.target.value)}
        />
        <Button type="submit" size="large">
          Continue to payment
        </Button>
      </form>
    </Card>
  );
}

const AMOUNTS = [25, 50, 100, 200];

/** An example of an amount, in the figures and decimals of its currency. */
function amountHint(currency: string, minimum: string): string {
  const [whole] = roundAmount(75, currency, minimum).split(".");
  return `Write an amount such as ${whole}${parseAmount("75,50", currency) ? ` or ${whole}.50` : ""}.`;
}

/** Figures that are longer than that fit no half of a phone. */
const SHORT = 13;

type UsualAmountsProps = {
  currency: string;
  usual: string[];
  chosen: string;
  onChoose: (amount: string) => void;
};

function UsualAmounts({ currency, usual, chosen, onChoose }: UsualAmountsProps) {
  const isLong = usual.some((amount) => formatMoney(amount, currency).length > SHORT);
  return (
    <fieldset
      className={cn("grid gap-2 lg:grid-cols-2", isLong ? "sm:grid-cols-2" : "grid-cols-2 sm:grid-cols-4")}
    >
      <legend className="sr-only">Amount</legend>
      {usual.map((amount) => (
        <Button
          key={amount}
          look="quiet"
          aria-pressed={chosen === amount}
          className="tabular aria-pressed:border-tide aria-pressed:bg-mist"
          onClick={() => onChoose(amount)}
        >
          {formatMoney(amount, currency)}
        </Button>
      ))}
    </fieldset>
  );
}
