"use client";
import { useSearchParams } from "next/navigation";
import { SignedIn } from "@/components/auth/signed-in";
import { ButtonLink } from "@/components/ui/button";
import { Empty } from "@/components/ui/empty";
import { Settling } from "./settling";

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
  return <OrderStanding orderId={orderId} />;
}

/** The same for an order that is named by another page. */
export function OrderStanding({ orderId }: { orderId: string }) {
  return (
    <div className="mx-auto max-w-2xl">
      <SignedIn why="Sign in again to see how your payment stands. It is safe: nothing is charged twice.">
        <Settling orderId={orderId} />
      </SignedIn>
    </div>
  );
}
