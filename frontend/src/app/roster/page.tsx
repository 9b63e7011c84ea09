import type { Metadata } from "next";
import { Suspense } from "react";
import { RosterPage } from "@/components/roster/roster-page";
import { Loading } from "@/components/ui/loading";

export const metadata: Metadata = { title: "Roster" };

export default function Page() {
  return (
    <Suspense fallback={<Loading />}>
      <RosterPage />
    </Suspense>
  );
}
