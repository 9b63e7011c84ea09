"use client";
import {
  keepPreviousData,
  type QueryClient,
  queryOptions,
  useQuery,
  useQueryClient,
} from "@tanstack/react-query";
import { type Order, ordersRetrieve } from "@/api/generated";
import { unwrap } from "@/api/problem";
import { serverNow } from "@/api/server-clock";
import { isZero, type Split, splitOf, toMinor } from "@/lib/money";
import { fetchWallet, OWN_DATA, type Wallet, walletQuery } from "@/lib/queries";
import { useSteady } from "@/lib/steady";
import { isSamePurchase, isSameTime } from "./bought-just-now";
import type { Purchase } from "./purchase";

/** What a buyer can spend on a purchase: the balance, and what an unpaid order for the same service has spent of it. */
export type Balance = {
  minor: number;
  /** The unpaid order, which this purchase goes on with or replaces. */
  order: Order | null;
  /** Whether that order is for this very purchase, at this time. */
  isSame: boolean;
};

export function useBalance(purchase: Purchase) {
  const client = useQueryClient();
  const query = useQuery({ ...balanceQuery(purchase, client), placeholderData: keepPreviousData });
  return useSteady(query, JSON.stringify(purchase.body));
}

function balanceQuery(purchase: Purchase, client: QueryClient) {
  const warm = client.getQueryState(walletQuery.queryKey);
  const wallet = warm?.isInvalidated ? undefined : warm?.data;
  return queryOptions({
    queryKey: [OWN_DATA, "credits", "balance", JSON.stringify(purchase.body)],
    queryFn: async () => balanceOf(purchase, await fetchWallet()),
    // What is loaded already is enough, unless there is an order of which more has to be asked.
    initialData: () =>
      wallet && !unpaidOrderOf(purchase, wallet)
        ? { minor: spendableMinor(purchase, wallet), order: null, isSame: false }
        : undefined,
    initialDataUpdatedAt: warm?.dataUpdatedAt,
  });
}

async function balanceOf(purchase: Purchase, wallet: Wallet): Promise<Balance> {
  const order = unpaidOrderOf(purchase, wallet);
  const detail = order && (await unwrap(ordersRetrieve({ path: { order_id: order.order_id } })));
  return {
    minor: spendableMinor(purchase, wallet),
    order,
    isSame: detail !== null && isSameTime(detail, purchase.body),
  };
}

function unpaidOrderOf({ body, currency }: Purchase, { orders }: Wallet): Order | null {
  const isUnpaid = ({ status }: Order) => status === "pending" || status === "failed";
  return (
    orders.find((order) => isUnpaid(order) && order.currency === currency && isSamePurchase(order, body)) ??
    null
  );
}

function spendableMinor(purchase: Purchase, wallet: Wallet): number {
  const { type, currency } = purchase;
  if (type === "credits") return 0;
  const account = wallet.balances.find((one) => one.currency === currency);
  const spent = unpaidOrderOf(purchase, wallet)?.credits_applied;
  return (account ? toMinor(account.spendable, currency) : 0) + (spent ? toMinor(spent, currency) : 0);
}

/** Whether the buyer chose to spend credits when the unpaid order was placed. */
export const spendsCredits = ({ order }: Balance) => order !== null && !isZero(order.credits_applied);

/** Returns how a purchase is paid. An order that goes on has its own split, whatever the balance is by now. */
export function splitFor(purchase: Purchase, balance: Balance, usesCredits: boolean): Split {
  const { totalMinor, currency, minimumMinor } = purchase;
  const { order, isSame, minor } = balance;
  if (!usesCredits) return splitOf(totalMinor, 0, minimumMinor, currency);
  const goesOn =
    order !== null &&
    isSame &&
    !isZero(order.credits_applied) &&
    toMinor(order.amount, currency) === totalMinor &&
    Date.parse(order.expires_at) > serverNow();
  if (goesOn) {
    const { credits_applied: credits, amount_due: due } = order;
    return { creditsMinor: toMinor(credits, currency), cardMinor: toMinor(due, currency) };
  }
  return splitOf(totalMinor, minor, minimumMinor, currency);
}
