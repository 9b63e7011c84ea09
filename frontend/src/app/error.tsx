"use client";
import { Failed } from "@/components/ui/notice";

export default function PageFailed({ error, reset }: { error: Error; reset: () => void }) {
  return <Failed error={error} retry={reset} />;
}
