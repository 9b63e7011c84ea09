"use client";
import { useSearchParams } from "next/navigation";
import { SignedIn } from "@/components/auth/signed-in";
import { ButtonLink } from "@/components/ui/button";
import { Empty } from "@/components/ui/empty";
import { Failed, Notice } from "@/components/ui/notice";
import { PageTitle } from "@/components/ui/page-title";
import { Loading } from "@/components/ui/skeleton";
import { Arrived } from "./arrived";
import { Stages, stageOf } from "./stages";
import { useSettling } from "./use-settling";

/** Where a payment ends up, whichever way it was made. */
export function ReturnPage() {
  const orderId = useSearchParams().get("order");
  if (!orderId) {
    return (
      <>
        <h1 className="sr-only">Your order</h1>
        <Empty title="Which order?" action={<ButtonLink href="/orders/">See your orders</ButtonLink>} />
      </>
    );
  }
  return (
    <div className="mx-auto max-w-2xl">
      <SignedIn why="Sign in again to see how your payment stands. It is safe: nothing is charged twice.">
        <Settling orderId={orderId} />
      </SignedIn>
    </div>
  );
}

const TITLES: Record<string, string> = {
  pending: "Confirming your payment",
  processing: "Your bank is working on it",
  failed: "The payment was declined",
  canceled: "This order was canceled",
  paid: "Your money is on its way back",
  completed: "Thank you. It is all yours.",
  partially_refunded: "A part was refunded",
  refunded: "This order was refunded",
};

function Settling({ orderId }: { orderId: string }) {
  const { order, error, retry, late } = useSettling(orderId);
  if (!order) return error ? <Failed error={error} retry={retry} /> : <Loading />;
  const status = order.status ?? "pending";
  return (
    <>
      <PageTitle lead={order.title}>{TITLES[status]}</PageTitle>
      <Stages current={stageOf(order)} />
      {late ? (
        <Notice className="mt-6" title="It is safe to leave this page">
          <p>
            This takes a little longer than usual. Your payment goes on without you: your order shows how it
            stands, and we will write to you once it is paid.
          </p>
        </Notice>
      ) : null}
      <Arrived order={order} />
    </>
  );
}
