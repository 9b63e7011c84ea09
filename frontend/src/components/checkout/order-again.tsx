"use client";
import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useRouter } from "next/navigation";
import { useState } from "react";
import type { OrderDetail, PaymentRequestRequest } from "@/api/generated";
import { Button } from "@/components/ui/button";
import { OWN_DATA } from "@/lib/queries";
import { ownZone } from "@/lib/time";
import { useAccount } from "@/lib/use-account";
import { Attempts } from "./attempts";
import { checkoutPathOf, schedulingOf, sentWith } from "./checkout-path";
import { PaymentError } from "./payment-error";

/** Takes the same again after an order has ended unpaid, if nobody was faster, and leads to its checkout. */
export function OrderAgain({ order }: { order: OrderDetail }) {
  const checkoutHref = checkoutPathOf(order);
  const account = useAccount();
  const router = useRouter();
  const client = useQueryClient();
  const [attempts] = useState(() => new Attempts());
  const again = useMutation({
    mutationFn: () => attempts.create(bodyOf(order), account?.email ?? ""),
    onSuccess: () => {
      void client.invalidateQueries({ queryKey: [OWN_DATA] });
      if (checkoutHref) router.push(checkoutHref);
    },
  });
  if (!checkoutHref || order.type === "credit") return null;
  return (
    <div className="grid justify-items-start gap-3">
      {again.error ? <PaymentError error={again.error} back={`/services/?id=${order.service?.id}`} /> : null}
      <Button busy={again.isPending || again.isSuccess} onClick={() => again.mutate()}>
        Take the same again
      </Button>
    </div>
  );
}

/** Returns the request that the checkout makes for the same purchase, so that it finds this order. */
function bodyOf(order: OrderDetail): PaymentRequestRequest {
  const scheduling = schedulingOf(order);
  return {
    service_id: order.service?.id ?? undefined,
    currency: order.currency,
    payment_type: "intent",
    save_payment_method: false,
    time_zone: ownZone(),
    ...(scheduling ? { scheduling_data: scheduling } : {}),
    ...sentWith(order),
  };
}
