"use client";
import Link from "next/link";
import { useConfig } from "@/lib/queries";

export function Footer() {
  const config = useConfig();
  return (
    <footer className="no-print border-line border-t bg-sand/60">
      <div className="mx-auto flex max-w-6xl flex-col gap-3 px-4 py-8 text-base text-soft sm:flex-row sm:items-center sm:justify-between sm:px-6">
        <p>Estuary: where practitioners and people meet.</p>
        <nav aria-label="Footer" className="flex flex-wrap gap-x-5 gap-y-2">
          <Link href="/roster/" className="underline-offset-4 hover:underline">
            For practitioners
          </Link>
          <a href="/api/docs/" className="underline-offset-4 hover:underline">
            For developers
          </a>
        </nav>
        {config.data?.sandbox ? <p>Sandbox: no real money moves.</p> : null}
      </div>
    </footer>
  );
}
