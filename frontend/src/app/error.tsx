"use client";
import { PageError } from "@/components/shell/page-error";

/** What stands in the place of a page that has failed; the header and the way on stay. */
export default function PageFailed({ reset }: { reset: () => void }) {
  return <PageError retry={reset} />;
}
