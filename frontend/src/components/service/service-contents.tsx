"use client";
import Link from "next/link";
import type { ServiceDetail } from "@/api/generated";
import { TimeSpan } from "@/components/ui/time-span";
import { useSessions } from "@/lib/queries";
import { SERVICE_TYPES } from "@/lib/service-types";
import { formatDuration } from "@/lib/time";

/** The meetings of a course, or the parts of a package or bundle. */
export function ServiceContents({ service }: { service: ServiceDetail }) {
  if (service.type === "course") return <Meetings id={service.id} zone={service.venue?.time_zone} />;
  if (service.contents.length === 0) return null;
  return (
    <section className="mt-8">
      <h2 className="font-display text-heading">What is in it</h2>
      <ul className="mt-3 grid gap-2">
        {service.contents.map(({ service: part, quantity, bonus }) => (
          <li
            key={part.id}
            className="flex items-baseline justify-between gap-4 rounded-2xl bg-sand/60 px-4 py-3"
          >
            <span>
              <Link
                href={`/services/?id=${part.id}`}
                className="font-semibold underline-offset-4 hover:underline"
              >
                {part.name}
              </Link>
              <span className="block text-base text-soft">
                {part.venue ? [part.venue.name, ...part.venue.address_lines].join(", ") : part.location}
              </span>
            </span>
            <span className="text-right text-base text-soft">
              {quantity + bonus > 1
                ? `${quantity} times${bonus ? `, and ${bonus} on the house` : ""}`
                : `${SERVICE_TYPES[part.type].one}, ${formatDuration(part.duration_min ?? 60)}`}
            </span>
          </li>
        ))}
      </ul>
      {service.validity_days ? (
        <p className="mt-3 text-soft">
          Choose the times when you like: everything can be scheduled within {service.validity_days} days of
          buying.
        </p>
      ) : null}
    </section>
  );
}

function Meetings({ id, zone }: { id: string; zone?: string }) {
  const sessions = useSessions({ service: id });
  const meetings = sessions.data?.pages.flatMap((page) => page.results) ?? [];
  return (
    <section className="mt-8">
      <h2 className="font-display text-heading">All meetings</h2>
      <ol className="mt-3 grid gap-2">
        {meetings.map((meeting, index) => (
          <li key={meeting.id} className="flex gap-4 rounded-2xl bg-sand/60 px-4 py-3">
            <span className="tabular w-6 font-semibold text-tide">{index + 1}</span>
            <TimeSpan start={meeting.start_datetime} end={meeting.end_datetime} zone={zone} />
          </li>
        ))}
      </ol>
    </section>
  );
}
