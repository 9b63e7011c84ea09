"use client";
import dynamic from "next/dynamic";
import Link from "next/link";
import { usePathname } from "next/navigation";
import { Waves } from "@/components/art/waves";
import { ButtonLink } from "@/components/ui/button";
import { cn } from "@/lib/cn";
import { useAccount } from "@/lib/use-account";
import { MAIN_LINKS } from "./navigation";

/** Loaded after the page: a menu weighs more than the catalogue. */
const AccountMenu = dynamic(() => import("./account-menu").then((module) => module.AccountMenu), {
  ssr: false,
  loading: () => <span aria-hidden="true" className="size-11 rounded-full bg-tide" />,
});

export function Header() {
  const account = useAccount();
  const path = usePathname();
  return (
    <header className="no-print border-line border-b bg-paper/95">
      <div className="mx-auto flex h-16 max-w-6xl items-center justify-between gap-3 px-4 sm:px-6">
        <Link href="/" className="flex min-h-11 items-center gap-2.5 font-display text-2xl tracking-tight">
          <Waves className="h-5 w-11 text-tide" />
          Estuary
        </Link>
        {account ? (
          <nav aria-label="Main" className="hidden items-center gap-1 md:flex">
            {MAIN_LINKS.map(({ href, label }) => (
              <Link
                key={href}
                href={href}
                aria-current={path === href ? "page" : undefined}
                className={cn(
                  "rounded-full px-3.5 py-2 font-medium text-soft hover:bg-sand hover:text-ink",
                  path === href && "bg-mist text-tide-deep",
                )}
              >
                {label}
              </Link>
            ))}
          </nav>
        ) : null}
        <div className="flex min-w-11 items-center justify-end gap-1">
          {account === null ? <SignInLinks /> : null}
          {account ? <AccountMenu account={account} /> : null}
        </div>
      </div>
    </header>
  );
}

function SignInLinks() {
  return (
    <>
      <ButtonLink href="/sign-in/" look="plain" className="px-3">
        Sign in
      </ButtonLink>
      <ButtonLink href="/sign-up/" size="small">
        Join
      </ButtonLink>
    </>
  );
}
