import type { Metadata } from "next";
import { Suspense } from "react";
import { CardsPage } from "@/components/cards/cards-page";
import { Loading } from "@/components/ui/loading";

export const metadata: Metadata = { title: "Cards" };

export default function Page() {
  return (
    <Suspense fallback={<Loading />}>
      <CardsPage />
    </Suspense>
  );
}
