import type { OrderDispute } from "@/api/generated";
import { Notice } from "@/components/ui/notice";
import { formatMoney } from "@/lib/money";

const TEXTS: Record<OrderDispute["status"], { title: string; text: string }> = {
  open: {
    title: "Your bank has asked about this payment",
    text: "Bookings stand and credits bought with it wait until the bank decides. It can’t be refunded meanwhile.",
  },
  won: {
    title: "Your bank has decided about this payment",
    text: "The payment stands, and everything is as it was before.",
  },
  lost: {
    title: "Your bank has returned this payment",
    text: "What had not taken place yet may be canceled, and credits bought with it are taken back.",
  },
  closed: {
    title: "Your bank’s question about this payment is settled",
    text: "The payment stands, and everything is as it was before.",
  },
};

/** The status of a dispute, for the buyer. */
export function DisputeNotice({ dispute }: { dispute: OrderDispute }) {
  const { title, text } = TEXTS[dispute.status];
  return (
    <Notice className="mb-6" title={title}>
      <p>
        It is about {formatMoney(dispute.amount, dispute.currency)}. {text}
      </p>
    </Notice>
  );
}
