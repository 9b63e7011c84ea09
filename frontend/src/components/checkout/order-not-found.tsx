import { ButtonLink } from "@/components/ui/button";
import { EmptyState } from "@/components/ui/empty-state";

/** Stands in place of an order that is not the visitor's. */
export function OrderNotFound() {
  return (
    <>
      <h1 className="sr-only">Order</h1>
      <EmptyState
        title="There is no such order of yours"
        action={<ButtonLink href="/orders/">See your orders</ButtonLink>}
      >
        <p>It may belong to another account, or the link was mistyped.</p>
      </EmptyState>
    </>
  );
}
