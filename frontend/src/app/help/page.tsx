import type { Metadata } from "next";
import { SitePage } from "@/components/shell/site-page";

export const metadata: Metadata = { title: "Help" };

export default function Page() {
  return <SitePage slug="help" />;
}
