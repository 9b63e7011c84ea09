import { Problem } from "@/api/problem";
import { ButtonLink } from "@/components/ui/button";
import { EmptyState } from "@/components/ui/empty-state";

/** Whether an answer was refused because the person is no practitioner. */
export const isForPractitioners = (error: unknown) =>
  error instanceof Problem && error.code === "practitioners_only";

/** What a page of practitioners shows to anybody else. */
export function ForPractitioners() {
  return (
    <EmptyState
      title="This page is for practitioners"
      action={<ButtonLink href="/bookings/">To your bookings</ButtonLink>}
    >
      <p>What you have booked yourself is under Bookings.</p>
    </EmptyState>
  );
}
