"use client";
import { Broken } from "@/components/shell/broken";

/** What stands in the place of a page that has failed; the header and the way on stay. */
export default function PageFailed({ reset }: { reset: () => void }) {
  return <Broken retry={reset} />;
}
