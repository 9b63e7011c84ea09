import type { CalledOffDate } from "@/api/generated";

type Props = {
  dates: readonly CalledOffDate[];
  /** How many dates there are besides those that are listed. */
  more: number;
  done?: boolean;
};

/** Names each date that goes off sale, also those that nobody has booked. */
export function CalledOffDates({ dates, more, done = false }: Props) {
  if (dates.length === 0) return null;
  const total = dates.length + more;
  const verb = done ? "was called off" : "goes off sale";
  const verbs = done ? "were called off" : "go off sale";
  return (
    <section className="mt-5 border-line border-t pt-5">
      <h3 className="font-semibold">{total === 1 ? `1 date ${verb}` : `${total} dates ${verbs}`}</h3>
      <ul className="mt-2 grid gap-1">
        {dates.map((date) => (
          <li key={date.service_session_id} className="break-words">
            {date.line}
          </li>
        ))}
        {more > 0 ? <li className="text-soft">and {more} more</li> : null}
      </ul>
    </section>
  );
}
