import { Card } from "@/components/ui/card";
import { Switch } from "@/components/ui/switch";
import { formatMoney, type Split, toDecimal } from "@/lib/money";

/** Whether the buyer spends credits on this purchase. */
export type CreditsChoice = { use: boolean; onChange: (use: boolean) => void };

type Props = { credits: CreditsChoice; split: Split; balanceMinor: number; currency: string };

/** Switches credits on for this purchase and shows the split between credits and card. */
export function CreditsToggle({ credits, split, balanceMinor, currency }: Props) {
  const money = (minor: number) => formatMoney(toDecimal(minor, currency), currency);
  return (
    <Card>
      <Switch
        checked={credits.use}
        onChange={credits.onChange}
        label={
          <>
            <span className="font-semibold">Use my credits</span>
            <span className="block text-base text-soft">You can spend {money(balanceMinor)}</span>
          </>
        }
      />
      {credits.use ? (
        <dl className="tabular mt-4 grid gap-1.5 border-line border-t pt-4">
          <div className="flex justify-between">
            <dt>From credits</dt>
            <dd className="font-semibold">{money(split.creditsMinor)}</dd>
          </div>
          <div className="flex justify-between">
            <dt>By card</dt>
            <dd className="font-semibold">{money(split.cardMinor)}</dd>
          </div>
        </dl>
      ) : null}
    </Card>
  );
}
