"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { type OrderDetail, ordersCancelCreate } from "@/api/generated";
import { unwrap } from "@/api/problem";
import { Button } from "@/components/ui/button";
import { ConfirmDialog } from "@/components/ui/confirm-dialog";
import { announce } from "@/lib/announce";
import { isZero } from "@/lib/money";
import { OWN_DATA } from "@/lib/queries";
import { holdsPlace } from "./checkout-path";

export function CancelOrder({ order }: { order: OrderDetail }) {
  const [open, setOpen] = useState(false);
  const client = useQueryClient();
  const cancel = useMutation({
    mutationFn: () => unwrap(ordersCancelCreate({ path: { public_id: order.order_id } })),
    onSuccess: () => {
      setOpen(false);
      announce("The order is canceled.");
    },
    onSettled: () => client.invalidateQueries({ queryKey: [OWN_DATA] }),
  });
  return (
    <>
      <Button look="quiet" size="small" onClick={() => setOpen(true)}>
        Cancel the order
      </Button>
      <ConfirmDialog
        open={open}
        onOpenChange={setOpen}
        title="Cancel this order?"
        confirm="Cancel the order"
        keep="Keep it"
        busy={cancel.isPending}
        error={cancel.error}
        onConfirm={() => cancel.mutate()}
      >
        <p>
          {holdsPlace(order) ? "Your place is given back at once. " : ""}Its payment is canceled at Stripe
          first. If it has gone through already, the order is kept and this page says so.
          {isZero(order.credits_applied) ? "" : " Your credits come back to your balance."}
        </p>
      </ConfirmDialog>
    </>
  );
}
