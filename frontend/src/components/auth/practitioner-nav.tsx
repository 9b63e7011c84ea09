"use client";
import Link from "next/link";
import { usePathname } from "next/navigation";
import { cn } from "@/lib/cn";
import { useAccount } from "@/lib/use-account";

const PAGES = [
  { href: "/roster/", label: "Roster" },
  { href: "/dates/", label: "Dates" },
  { href: "/hours/", label: "Hours" },
  { href: "/roster/changes/", label: "Changes" },
] as const;

/** Leads from each page of a practitioner to the others. */
export function PractitionerNav() {
  const account = useAccount();
  const path = usePathname();
  if (!account?.practitioner) return null;
  return (
    <nav aria-label="Your practice" className="no-print mb-6 flex flex-wrap gap-1">
      {PAGES.map(({ href, label }) => (
        <Link
          key={href}
          href={href}
          aria-current={path === href ? "page" : undefined}
          className={cn(
            "inline-flex min-h-11 items-center rounded-full px-3.5 font-medium text-soft hover:bg-sand hover:text-ink",
            path === href && "bg-mist text-tide-deep",
          )}
        >
          {label}
        </Link>
      ))}
    </nav>
  );
}
