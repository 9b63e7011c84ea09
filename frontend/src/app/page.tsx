import { Suspense } from "react";
import { Catalogue } from "@/components/catalogue/catalogue";
import { Loading } from "@/components/ui/loading";

/** The server puts the first cards and their data here (estuary/config/first_view.py), before any script has run. */
function FirstServices() {
  return (
    <section id="first-services" aria-label="What is offered">
      <Loading rows={4} className="sm:grid-cols-2" />
    </section>
  );
}

export default function Home() {
  return (
    <>
      <header className="mb-8 max-w-3xl sm:mb-12">
        <h1 className="font-display text-hero tracking-tight">
          Make room for <em className="text-tide not-italic">yourself.</em>
        </h1>
        <p className="mt-4 max-w-xl text-lg text-soft">
          Yoga, bodywork, mindfulness, food and sound: with practitioners who know what they do, at a time
          that suits you.
        </p>
      </header>
      <Suspense fallback={<FirstServices />}>
        <Catalogue />
      </Suspense>
    </>
  );
}
