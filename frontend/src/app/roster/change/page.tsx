import type { Metadata } from "next";
import { Suspense } from "react";
import { DateChangePage } from "@/components/roster/date-change-page";
import { Loading } from "@/components/ui/loading";

export const metadata: Metadata = { title: "Call off or move" };

export default function Page() {
  return (
    <Suspense fallback={<Loading />}>
      <DateChangePage />
    </Suspense>
  );
}
