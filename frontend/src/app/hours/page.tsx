import type { Metadata } from "next";
import { Suspense } from "react";
import { HoursPage } from "@/components/hours/hours-page";
import { Loading } from "@/components/ui/loading";

export const metadata: Metadata = { title: "Your hours" };

export default function Page() {
  return (
    <Suspense fallback={<Loading />}>
      <HoursPage />
    </Suspense>
  );
}
