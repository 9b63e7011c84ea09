import type { Metadata } from "next";
import { ButtonLink } from "@/components/ui/button";
import { Empty } from "@/components/ui/empty";

export const metadata: Metadata = { title: "Not found" };

export default function NotFound() {
  return (
    <>
      <h1 className="sr-only">Not found</h1>
      <Empty
        title="The tide has taken this page"
        action={<ButtonLink href="/">See what is offered</ButtonLink>}
      >
        <p>There is nothing under this address. It may have moved, or the link was mistyped.</p>
      </Empty>
    </>
  );
}
