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

const LABELS: Record<string, { label: string; tone: Tone }> = {
  refund: { label: "Refunded", tone: "good" },
  move: { label: "Moved", tone: "good" },
  end_order: { label: "Ends unpaid", tone: "plain" },
  cancel: { label: "Canceled", tone: "plain" },
  reschedule: { label: "To schedule again", tone: "calm" },
  hold_back: { label: "Held back", tone: "wait" },
};
const WAITING = { label: "Waiting", tone: "wait" as Tone };

/** What happens for each guest, and why; with a status, how far it is. */
export function ConsequenceList({ rows }: { rows: Row[] }) {
  if (rows.length === 0) return null;
  return (
    <ul className="mt-5 grid gap-4 border-line border-t pt-5">
      {rows.map((row, index) => {
        const { label, tone } = (row.status === "waiting" ? WAITING : LABELS[row.act]) ?? WAITING;
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
              <Badge tone={tone}>{label}</Badge>
            </p>
          </li>
        );
      })}
    </ul>
  );
}
