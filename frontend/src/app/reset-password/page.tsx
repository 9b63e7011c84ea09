import type { Metadata } from "next";
import { Suspense } from "react";
import { FormSheet } from "@/components/auth/form-sheet";
import { ResetPassword } from "@/components/auth/reset-password";

export const metadata: Metadata = { title: "A new password" };

export default function Page() {
  return (
    <FormSheet title="A new password" lead="It happens to all of us.">
      <Suspense>
        <ResetPassword />
      </Suspense>
    </FormSheet>
  );
}
