import type { Metadata } from "next";
import { Suspense } from "react";
import { DatesPage } from "@/components/dates/dates-page";
import { Loading } from "@/components/ui/loading";

export const metadata: Metadata = { title: "Dates" };

export default function Page() {
  return (
    <Suspense fallback={<Loading />}>
      <DatesPage />
    </Suspense>
  );
}
