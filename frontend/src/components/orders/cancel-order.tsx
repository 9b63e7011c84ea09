"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { ordersCancelCreate } from "@/api/generated";
import { answerOf } from "@/api/problem";
import { Button } from "@/components/ui/button";
import { Confirm } from "@/components/ui/confirm";
import { MINE } from "@/lib/queries";

export function CancelOrder({ orderId }: { orderId: string }) {
  const [open, setOpen] = useState(false);
  const client = useQueryClient();
  const cancel = useMutation({
    mutationFn: () => answerOf(ordersCancelCreate({ path: { public_id: orderId } })),
    onSuccess: () => setOpen(false),
    onSettled: () => client.invalidateQueries({ queryKey: [MINE] }),
  });
  return (
    <>
      <Button look="quiet" size="small" onClick={() => setOpen(true)}>
        Cancel the order
      </Button>
      <Confirm
        open={open}
        onOpenChange={setOpen}
        title="Cancel this order?"
        confirm="Cancel the order"
        keep="Keep it"
        busy={cancel.isPending}
        error={cancel.error}
        onConfirm={() => cancel.mutate()}
      >
        <p>Your place is given back at once. Nothing was charged.</p>
      </Confirm>
    </>
  );
}
