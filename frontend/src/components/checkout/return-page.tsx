"use client";
import { useSearchParams } from "next/navigation";
import { RequireSignIn } from "@/components/auth/require-sign-in";
import { ButtonLink } from "@/components/ui/button";
import { EmptyState } from "@/components/ui/empty-state";
import { PaymentStatus } from "./payment-status";

/** The page that every payment leads to. */
export function ReturnPage() {
  const orderId = useSearchParams().get("order");
  if (!orderId) {
    return (
      <>
        <h1 className="sr-only">Your order</h1>
        <EmptyState title="Which order?" action={<ButtonLink href="/orders/">See your orders</ButtonLink>} />
      </>
    );
  }
  return <OrderPaymentStatus orderId={orderId} />;
}

/** The payment status of one order, for signed-in buyers. */
export function OrderPaymentStatus({ orderId }: { orderId: string }) {
  return (
    <div className="mx-auto max-w-2xl">
      <RequireSignIn why="Sign in again to see how your payment stands. It is safe: nothing is charged twice.">
        <PaymentStatus orderId={orderId} />
      </RequireSignIn>
    </div>
  );
}
