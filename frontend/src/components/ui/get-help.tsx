"use client";
import Link from "next/link";
import { errorText, ReadableError } from "@/api/problem";
import { useConfig } from "@/lib/queries";

const LINK = "font-semibold underline underline-offset-4";

/** The reference of an error, and a way to write to the shop that carries it. */
export function GetHelp({ error }: { error: unknown }) {
  const address = useConfig().data?.contact_email;
  const reference = error instanceof ReadableError ? error.reference : undefined;
  return (
    <p className="mt-2 text-base">
      {reference ? (
        <>
          Reference <span className="tabular break-all">{reference}</span>.{" "}
        </>
      ) : null}
      {address ? (
        <a href={mailto(address, errorText(error), reference)} className={LINK}>
          Write to us
        </a>
      ) : (
        <Link href="/contact/" className={LINK}>
          Contact us
        </Link>
      )}{" "}
      if it goes on.
    </p>
  );
}

/** Returns a mail that is begun: the page, the time and what the page said, so that nobody has to describe it. */
function mailto(address: string, text: string, reference: string | undefined): string {
  const lines = [
    "What I wanted to do:",
    "",
    "",
    `The page said: ${text}`,
    ...(reference ? [`Reference: ${reference}`] : []),
    `Page: ${typeof window === "undefined" ? "" : window.location.pathname}`,
    `Time: ${new Date().toISOString()}`,
  ];
  const subject = reference ? `Help with an error (${reference})` : "Help with an error";
  return `mailto:${address}?subject=${encodeURIComponent(subject)}&body=${encodeURIComponent(lines.join("\r\n"))}`;
}
