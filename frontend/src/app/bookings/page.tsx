import type { Metadata } from "next";
import { Suspense } from "react";
import { BookingsPage } from "@/components/bookings/bookings-page";
import { Loading } from "@/components/ui/loading";

export const metadata: Metadata = { title: "Bookings" };

export default function Page() {
  return (
    <Suspense fallback={<Loading />}>
      <BookingsPage />
    </Suspense>
  );
}
