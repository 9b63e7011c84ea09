import type { Metadata } from "next";
import { Suspense } from "react";
import { CreditsPage } from "@/components/credits/credits-page";
import { Loading } from "@/components/ui/loading";

export const metadata: Metadata = { title: "Credits" };

export default function Page() {
  return (
    <Suspense fallback={<Loading />}>
      <CreditsPage />
    </Suspense>
  );
}
