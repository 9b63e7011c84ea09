import { cn } from "@/lib/cn";

type Props = { data: Record<string, unknown>; className?: string };

/** The free-form fields of an order: names and values as the buyer sent them. */
export function ServiceData({ data, className }: Props) {
  return (
    <dl
      className={cn(
        "grid grid-cols-[minmax(0,1fr)] gap-x-4 gap-y-1 text-base sm:grid-cols-[minmax(0,auto)_minmax(0,1fr)]",
        className,
      )}
    >
      {Object.entries(data).map(([name, value]) => (
        <div key={name} className="contents">
          <dt className="wrap-anywhere text-soft">{name.replaceAll("_", " ")}</dt>
          <dd className="wrap-anywhere whitespace-pre-line">
            {typeof value === "string" ? value : JSON.stringify(value)}
          </dd>
        </div>
      ))}
    </dl>
  );
}
