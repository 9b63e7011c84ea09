import { MapPin } from "lucide-react";
import type { Venue } from "@/api/generated";
import { cn } from "@/lib/cn";

type Props = { location?: string; venue?: Venue | null; className?: string };

/** Where something takes place: the venue's address with a way there, or the words of what is online. */
export function Place({ location, venue, className }: Props) {
  if (!venue && !location) return null;
  return (
    <div className={cn("flex gap-1.5 text-base text-soft", className)}>
      <MapPin aria-hidden="true" className="mt-1 size-4 shrink-0" />
      {venue ? <Address venue={venue} /> : <p>{location}</p>}
    </div>
  );
}

/** The name and address of a venue, how to find it, and a link that leads there. */
export function Address({ venue }: { venue: Venue }) {
  return (
    <div>
      <address className="not-italic">
        {[venue.name, ...venue.address_lines].map((line) => (
          <span key={line} className="block">
            {line}
          </span>
        ))}
      </address>
      {venue.directions ? <p className="mt-1 whitespace-pre-line">{venue.directions}</p> : null}
      <a
        href={venue.directions_url}
        target="_blank"
        rel="noopener noreferrer"
        className="inline-flex min-h-11 items-center text-tide underline underline-offset-4"
      >
        Directions<span className="sr-only"> to {venue.name} (opens a map)</span>
      </a>
    </div>
  );
}
