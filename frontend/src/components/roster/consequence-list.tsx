import { Badge } from "@/components/ui/badge";
import { formatMoney, isZero } from "@/lib/money";
import type { Tone } from "@/lib/status-labels";

type Row = {
  guest: string;
  line: string;
  act: string;
  tender: string;
  amount: string;
  currency: string;
  why: string;
  status?: string;
};

const LABELS: Record<string, { done: string; preview: string; tone: Tone }> = {
  refund: { done: "Refunded", preview: "To be refunded", tone: "good" },
  move: { done: "Moved", preview: "Moves", tone: "good" },
  end_order: { done: "Ended unpaid", preview: "Ends unpaid", tone: "plain" },
  cancel: { done: "Canceled", preview: "To be canceled", tone: "plain" },
  reschedule: { done: "To schedule again", preview: "To schedule again", tone: "calm" },
  hold_back: { done: "Held back", preview: "To be held back", tone: "wait" },
};
const WAITING = { done: "Waiting", preview: "Waiting", tone: "wait" as Tone };

/** What happens for each guest, and why; with a status, how far it is. */
export function ConsequenceList({ rows }: { rows: Row[] }) {
  if (rows.length === 0) return null;
  return (
    <ul className="mt-5 grid gap-4 border-line border-t pt-5">
      {rows.map((row, index) => {
        const { done, preview, tone } = (row.status === "waiting" ? WAITING : LABELS[row.act]) ?? WAITING;
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: the rows of a preview never change their order
          <li key={index} className="grid gap-x-4 gap-y-1 sm:grid-cols-[1fr_auto]">
            <div className="min-w-0">
              <p className="break-words font-semibold">{row.guest}</p>
              <p className="break-words text-base text-soft">{row.line}</p>
              <p className="text-base">{row.why}</p>
            </div>
            <p className="flex items-center gap-3 sm:flex-col sm:items-end">
              {isZero(row.amount) ? null : (
                <span className="tabular font-semibold">{formatMoney(row.amount, row.currency)}</span>
              )}
              <Badge tone={tone}>{row.status ? done : preview}</Badge>
            </p>
          </li>
        );
      })}
    </ul>
  );
}
