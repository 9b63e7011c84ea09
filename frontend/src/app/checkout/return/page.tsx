import type { Metadata } from "next";
import { Suspense } from "react";
import { ReturnPage } from "@/components/checkout/return-page";
import { Loading } from "@/components/ui/loading";

export const metadata: Metadata = { title: "Your order" };

export default function Page() {
  return (
    <Suspense fallback={<Loading />}>
      <ReturnPage />
    </Suspense>
  );
}
