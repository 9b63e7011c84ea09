import type { Metadata } from "next";
import { Suspense } from "react";
import { CredentialsForm } from "@/components/auth/credentials-form";
import { FormSheet } from "@/components/auth/form-sheet";

export const metadata: Metadata = { title: "Sign in" };

export default function Page() {
  return (
    <FormSheet title="Welcome back" lead="Your bookings, credits and cards are where you left them.">
      <Suspense>
        <CredentialsForm kind="sign-in" />
      </Suspense>
    </FormSheet>
  );
}
