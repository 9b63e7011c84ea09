"use client";
import { Clock, MapPin, Undo2 } from "lucide-react";
import { useSearchParams } from "next/navigation";
import type { ReactNode } from "react";
import type { ServiceDetail } from "@/api/generated";
import { isNotFound } from "@/api/problem";
import { ServiceArt } from "@/components/art/service-art";
import { Badge } from "@/components/ui/badge";
import { ButtonLink } from "@/components/ui/button";
import { EmptyState } from "@/components/ui/empty-state";
import { Loading } from "@/components/ui/loading";
import { LoadError } from "@/components/ui/notice";
import { Address } from "@/components/ui/place";
import { useService } from "@/lib/queries";
import { SERVICE_TYPES } from "@/lib/service-types";
import { formatDuration } from "@/lib/time";
import { BookPanel } from "./book-panel";
import { ServiceContents } from "./service-contents";

export function ServicePage() {
  const id = useSearchParams().get("id");
  const service = useService(id && /^\d+$/.test(id) ? id : null);
  if (service.isError && !isNotFound(service.error)) {
    return <LoadError query={service} />;
  }
  if (service.isError || !id || !/^\d+$/.test(id)) {
    return (
      <>
        <h1 className="sr-only">Service not found</h1>
        <EmptyState
          title="This service is not offered"
          action={<ButtonLink href="/">See what is offered</ButtonLink>}
        />
      </>
    );
  }
  if (!service.data) return <Loading rows={4} />;
  return <ServiceView service={service.data} />;
}

const NEEDS_TIME = new Set(["session", "workshop"]);

function ServiceView({ service }: { service: ServiceDetail }) {
  return (
    <article className="grid gap-8 lg:grid-cols-[1.15fr_1fr] lg:gap-12">
      <title>{`${service.name} · Estuary`}</title>
      <div>
        <div className="h-48 overflow-hidden rounded-3xl sm:h-72">
          <ServiceArt type={service.type} seed={service.slug} />
        </div>
        <Badge tone="calm" className="mt-6">
          {SERVICE_TYPES[service.type].one}
        </Badge>
        <h1 className="mt-3 font-display text-title tracking-tight">{service.name}</h1>
        <p className="mt-1 text-lg text-soft">with {service.practitioner.name}</p>
        <p className="mt-5 text-lg leading-relaxed">{service.summary}</p>
        <a
          href="#book"
          className="mt-5 flex min-h-12 items-center justify-center rounded-full border border-tide bg-mist px-5 font-semibold text-tide-deep lg:hidden"
        >
          {NEEDS_TIME.has(service.type) ? "See the times" : "Book"}
        </a>
        {service.description && service.description !== service.summary ? (
          <p className="mt-3">{service.description}</p>
        ) : null}
        <Facts service={service} />
        <ServiceContents service={service} />
        <AboutPractitioner service={service} />
      </div>
      <BookPanel service={service} />
    </article>
  );
}

function Facts({ service }: { service: ServiceDetail }) {
  const facts = [
    ...(service.type === "package"
      ? []
      : [{ Icon: Clock, label: "Length", text: formatDuration(service.duration_min ?? 60) }]),
    { Icon: MapPin, label: "Place", text: placeOf(service) },
    {
      Icon: Undo2,
      label: "Cancelling",
      text: service.cancellation_terms,
    },
  ];
  return (
    <dl className="mt-6 grid gap-3 border-line border-y py-5">
      {facts.map(({ Icon, label, text }) => (
        <div key={label} className="flex gap-3">
          <dt className="pt-0.5">
            <Icon aria-hidden="true" className="size-5 text-tide" />
            <span className="sr-only">{label}</span>
          </dt>
          <dd>{text}</dd>
        </div>
      ))}
    </dl>
  );
}

function placeOf({ type, venue, location }: ServiceDetail): ReactNode {
  if (venue) return <Address venue={venue} />;
  return type === "package" ? "Each part has its own place, below." : (location ?? "Online");
}

function AboutPractitioner({ service: { practitioner } }: { service: ServiceDetail }) {
  return (
    <section className="mt-8 flex gap-4">
      <span
        aria-hidden="true"
        className="grid size-14 shrink-0 place-items-center rounded-full bg-mist font-display text-tide-deep text-xl"
      >
        {practitioner.name
          .split(" ")
          .map((name) => name[0])
          .join("")}
      </span>
      <div>
        <h2 className="font-display text-heading">{practitioner.name}</h2>
        <p className="text-soft">{practitioner.headline}</p>
        <p className="mt-2">{practitioner.bio}</p>
      </div>
    </section>
  );
}
