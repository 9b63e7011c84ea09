import type { Metadata } from "next";
import { Suspense } from "react";
import { Narrow } from "@/components/auth/narrow";
import { VerifyEmail } from "@/components/auth/verify-email";

export const metadata: Metadata = { title: "Confirm your address" };

export default function Page() {
  return (
    <Narrow title="Confirm your address" lead="One click, and your receipts reach you for sure.">
      <Suspense>
        <VerifyEmail />
      </Suspense>
    </Narrow>
  );
}
