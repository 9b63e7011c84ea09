import Link from "next/link";
import { errorText } from "@/api/problem";
import { Button } from "@/components/ui/button";
import { Notice } from "@/components/ui/notice";
import type { BoughtJustNow } from "./bought-just-now";

type Props = { error: BoughtJustNow; onAgain: () => void };

/** Asks the buyer to confirm a repeated purchase. */
export function ConfirmRepeat({ error, onAgain }: Props) {
  return (
    <Notice title={errorText(error)}>
      <div className="mt-3 flex flex-wrap items-center gap-x-5 gap-y-2">
        <Button look="quiet" size="small" onClick={onAgain}>
          Buy it once more
        </Button>
        <Link href={`/orders/?id=${error.orderId}`} className="font-semibold underline underline-offset-4">
          See the order you have
        </Link>
      </div>
    </Notice>
  );
}
