import type { Metadata } from "next";
import { ButtonLink } from "@/components/ui/button";
import { EmptyState } from "@/components/ui/empty-state";

export const metadata: Metadata = { title: "Not found" };

export default function NotFound() {
  return (
    <>
      <h1 className="sr-only">Not found</h1>
      <EmptyState
        title="The tide has taken this page"
        action={<ButtonLink href="/">See what is offered</ButtonLink>}
      >
        <p>There is nothing under this address. It may have moved, or the link was mistyped.</p>
      </EmptyState>
    </>
  );
}
