import { cn } from "@/lib/cn";

type Props = { data: Record<string, unknown>; className?: string };

/** The free-form fields of an order: names and values as the buyer sent them. */
export function ServiceData({ data, className }: Props) {
  return (
    <dl className={cn("grid gap-x-4 gap-y-1 text-base sm:grid-cols-[auto_1fr]", className)}>
      {Object.entries(data).map(([name, value]) => (
        <div key={name} className="contents">
          <dt className="break-words text-soft">{name.replaceAll("_", " ")}</dt>
          <dd className="whitespace-pre-line break-words">
            {typeof value === "string" ? value : JSON.stringify(value)}
          </dd>
        </div>
      ))}
    </dl>
  );
}
