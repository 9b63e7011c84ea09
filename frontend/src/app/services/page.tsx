import type { Metadata } from "next";
import { Suspense } from "react";
import { ServicePage } from "@/components/service/service-page";
import { Loading } from "@/components/ui/loading";

export const metadata: Metadata = { title: "Service" };

export default function Page() {
  return (
    <Suspense fallback={<Loading rows={4} />}>
      <ServicePage />
    </Suspense>
  );
}
