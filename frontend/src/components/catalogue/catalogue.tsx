"use client";
import Link from "next/link";
import { useSearchParams } from "next/navigation";
import type { ServiceType } from "@/api/generated";
import { ButtonLink } from "@/components/ui/button";
import { EmptyState } from "@/components/ui/empty-state";
import { LoadMore } from "@/components/ui/load-more";
import { Loading } from "@/components/ui/loading";
import { LoadError } from "@/components/ui/notice";
import { cn } from "@/lib/cn";
import { useServices } from "@/lib/queries";
import { isServiceType, SERVICE_TYPE_ORDER, SERVICE_TYPES } from "@/lib/service-types";
import { ServiceCard } from "./service-card";

/** Keeps the filter in the URL, so that the back button and shared links work. */
export function Catalogue() {
  const typeInUrl = useSearchParams().get("type");
  const type = isServiceType(typeInUrl) ? typeInUrl : undefined;
  const services = useServices(type);
  const loaded = services.data?.pages.flatMap((page) => page.results) ?? [];
  return (
    <section aria-labelledby="offers">
      <h2 id="offers" className="sr-only">
        What is offered
      </h2>
      <TypeFilter chosen={type} />
      <p aria-live="polite" className="mt-4 mb-6 text-soft">
        {type ? SERVICE_TYPES[type].hint : "Everything on offer"}
      </p>
      {services.isPending ? <Loading rows={4} className="sm:grid-cols-2 lg:grid-cols-3" /> : null}
      {services.isError ? <LoadError query={services} /> : null}
      {services.isSuccess && loaded.length === 0 ? (
        <EmptyState title="Nothing here just now" action={<ButtonLink href="/">Show everything</ButtonLink>}>
          <p>New dates are added every week.</p>
        </EmptyState>
      ) : null}
      <ul className="grid gap-5 sm:grid-cols-2 lg:grid-cols-3">
        {loaded.map((service) => (
          <li key={service.id} className="flex">
            <ServiceCard service={service} />
          </li>
        ))}
      </ul>
      <LoadMore pages={services} />
    </section>
  );
}

function TypeFilter({ chosen }: { chosen?: ServiceType }) {
  const choices = [
    { href: "/", label: "All", here: !chosen },
    ...SERVICE_TYPE_ORDER.map((type) => ({
      href: `/?type=${type}`,
      label: SERVICE_TYPES[type].many,
      here: chosen === type,
    })),
  ];
  return (
    <nav aria-label="Filter by type" className="flex flex-wrap gap-2">
      {choices.map(({ href, label, here }) => (
        <Link
          key={href}
          href={href}
          scroll={false}
          aria-current={here ? "true" : undefined}
          className={cn(
            "inline-flex min-h-11 items-center rounded-full border px-4 font-medium transition-colors",
            here
              ? "border-tide bg-tide text-white"
              : "border-edge/60 bg-card hover:border-tide hover:bg-mist",
          )}
        >
          {label}
        </Link>
      ))}
    </nav>
  );
}
