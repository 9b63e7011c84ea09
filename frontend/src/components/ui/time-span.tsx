import { spanAt } from "@/lib/time";

type Props = { start: string; end: string | null; zone?: string; className?: string };

/** A time in the zone of its venue, with the reader's below where the two differ. */
export function TimeSpan({ start, end, zone, className }: Props) {
  const { text, own } = spanAt(start, end, zone);
  return (
    <span className={className}>
      {text}
      {own ? <span className="block font-normal text-base text-soft">Your time: {own}</span> : null}
    </span>
  );
}
