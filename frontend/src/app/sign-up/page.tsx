import type { Metadata } from "next";
import { Suspense } from "react";
import { CredentialsForm } from "@/components/auth/credentials-form";
import { FormSheet } from "@/components/auth/form-sheet";

export const metadata: Metadata = { title: "Create an account" };

export default function Page() {
  return (
    <FormSheet
      title="Join Estuary"
      lead="One account for every practitioner. All you need is an e-mail address."
    >
      <Suspense>
        <CredentialsForm kind="sign-up" />
      </Suspense>
    </FormSheet>
  );
}
