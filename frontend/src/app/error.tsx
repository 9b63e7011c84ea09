"use client";
import { PageError } from "@/components/shell/page-error";

/** Replaces a page that has thrown; the header and the footer stay. */
export default function PageFailed({ reset }: { reset: () => void }) {
  return <PageError retry={reset} />;
}
