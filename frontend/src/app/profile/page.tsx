import type { Metadata } from "next";
import { Suspense } from "react";
import { ProfilePage } from "@/components/account/profile-page";
import { Loading } from "@/components/ui/loading";

export const metadata: Metadata = { title: "Your profile" };

export default function Page() {
  return (
    <Suspense fallback={<Loading />}>
      <ProfilePage />
    </Suspense>
  );
}
