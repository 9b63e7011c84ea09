import type { Metadata } from "next";
import { Suspense } from "react";
import { CardCheckout } from "@/components/checkout/variants";
import { Loading } from "@/components/ui/loading";

export const metadata: Metadata = { title: "Checkout" };

export default function Page() {
  return (
    <Suspense fallback={<Loading />}>
      <CardCheckout />
    </Suspense>
  );
}
