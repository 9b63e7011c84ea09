import type { Metadata } from "next";
import { Suspense } from "react";
import { FormSheet } from "@/components/auth/form-sheet";
import { VerifyEmail } from "@/components/auth/verify-email";

export const metadata: Metadata = { title: "Confirm your address" };

export default function Page() {
  return (
    <FormSheet title="Confirm your address" lead="One click, and your receipts reach you for sure.">
      <Suspense>
        <VerifyEmail />
      </Suspense>
    </FormSheet>
  );
}
