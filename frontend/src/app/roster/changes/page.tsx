import type { Metadata } from "next";
import { Suspense } from "react";
import { DateChangesPage } from "@/components/roster/date-changes-page";
import { Loading } from "@/components/ui/loading";

export const metadata: Metadata = { title: "Called off and moved" };

export default function Page() {
  return (
    <Suspense fallback={<Loading />}>
      <DateChangesPage />
    </Suspense>
  );
}
