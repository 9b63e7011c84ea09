import type { Metadata } from "next";
import { Suspense } from "react";
import { OrdersPage } from "@/components/orders/orders-page";
import { Loading } from "@/components/ui/loading";

export const metadata: Metadata = { title: "Orders" };

export default function Page() {
  return (
    <Suspense fallback={<Loading />}>
      <OrdersPage />
    </Suspense>
  );
}
