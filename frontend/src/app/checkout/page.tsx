import type { Metadata } from "next";
import { Suspense } from "react";
import { ShopCheckout } from "@/components/checkout/variants";
import { Loading } from "@/components/ui/skeleton";

export const metadata: Metadata = { title: "Checkout" };

export default function Page() {
  return (
    <Suspense fallback={<Loading />}>
      <ShopCheckout />
    </Suspense>
  );
}
