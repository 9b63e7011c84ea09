"use client";
import { ForPractitioners, isForPractitioners } from "@/components/auth/for-practitioners";
import { PractitionerNav } from "@/components/auth/practitioner-nav";
import { RequireSignIn } from "@/components/auth/require-sign-in";
import { ButtonLink } from "@/components/ui/button";
import { EmptyState } from "@/components/ui/empty-state";
import { LoadMore } from "@/components/ui/load-more";
import { Loading } from "@/components/ui/loading";
import { LoadError } from "@/components/ui/notice";
import { PageTitle } from "@/components/ui/page-title";
import { useOwnServices } from "@/lib/own-dates";
import { ServiceDates } from "./service-dates";

export function DatesPage() {
  return (
    <>
      <PageTitle lead="Your workshops and courses. A new date is on sale at once.">Dates</PageTitle>
      <PractitionerNav />
      <RequireSignIn why="Dates are kept by their practitioners.">
        <Services />
      </RequireSignIn>
    </>
  );
}

function Services() {
  const services = useOwnServices();
  if (services.isPending) return <Loading />;
  if (isForPractitioners(services.error)) return <ForPractitioners />;
  if (services.isError) return <LoadError query={services} />;
  const all = services.data.pages.flatMap((page) => page.results);
  if (all.length === 0) {
    return (
      <EmptyState
        title="You have no workshop or course yet"
        action={<ButtonLink href="/contact/">Write to us</ButtonLink>}
      >
        <p>We set up what you offer with you. Its dates are then yours to keep here.</p>
      </EmptyState>
    );
  }
  return (
    <>
      <div className="grid gap-6">
        {all.map((service) => (
          <ServiceDates key={service.id} service={service} />
        ))}
      </div>
      <LoadMore pages={services} />
    </>
  );
}
