"use client";
import { PageError } from "@/components/shell/page-error";
import { figtree, fraunces } from "./fonts";
import "./globals.css";

/** Replaces the whole document when the root layout itself has thrown. */
export default function EverythingFailed() {
  return (
    <html lang="en" className={`${figtree.variable} ${fraunces.variable}`}>
      <body>
        <title>Something went wrong · Estuary</title>
        <main className="mx-auto max-w-2xl px-4 py-10">
          <PageError retry={() => window.location.reload()} />
        </main>
      </body>
    </html>
  );
}
