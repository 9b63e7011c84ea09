"use client";
import { RequireSignIn } from "@/components/auth/require-sign-in";
import { PageTitle } from "@/components/ui/page-title";
import { PaymentMethodsManager } from "./payment-methods-manager";

export function CardsPage() {
  return (
    <>
      <PageTitle lead="They are kept by Stripe. We only know the brand, the last digits and when they expire.">
        Cards
      </PageTitle>
      <RequireSignIn why="Your cards are kept with your account.">
        <PaymentMethodsManager />
      </RequireSignIn>
    </>
  );
}
