"use client";
import Link from "next/link";
import { useConfig } from "@/lib/queries";

const LINKS = [
  { href: "/help/", label: "Help" },
  { href: "/contact/", label: "Contact" },
  { href: "/terms/", label: "Terms" },
  { href: "/privacy/", label: "Privacy" },
  { href: "/imprint/", label: "Imprint" },
  { href: "/roster/", label: "For practitioners" },
] as const;

const LINK = "inline-flex min-h-11 items-center underline-offset-4 hover:underline";

export function Footer() {
  const config = useConfig();
  return (
    <footer className="no-print border-line border-t bg-sand/60">
      <div className="mx-auto flex max-w-6xl flex-col gap-3 px-4 py-8 text-base text-soft sm:px-6 lg:flex-row lg:items-center lg:justify-between">
        <p>Estuary: where practitioners and people meet.</p>
        <nav aria-label="Footer" className="flex flex-wrap gap-x-5">
          {LINKS.map(({ href, label }) => (
            // Hardly anybody reads them: they are loaded when they are asked for.
            <Link key={href} href={href} prefetch={false} className={LINK}>
              {label}
            </Link>
          ))}
          <a href="/api/docs/" className={LINK}>
            For developers
          </a>
        </nav>
        {config.data?.sandbox ? <p>Sandbox: no real money moves.</p> : null}
      </div>
    </footer>
  );
}
