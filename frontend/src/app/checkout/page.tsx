import type { Metadata } from "next";
import { Suspense } from "react";
import { ShopCheckout } from "@/components/checkout/variants";
import { Loading } from "@/components/ui/loading";

export const metadata: Metadata = { title: "Checkout" };

export default function Page() {
  return (
    <Suspense fallback={<Loading />}>
      <ShopCheckout />
    </Suspense>
  );
}
