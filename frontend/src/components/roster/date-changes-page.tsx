"use client";
import Link from "next/link";
import type { DateChangeSummary } from "@/api/generated";
import { ForPractitioners, isForPractitioners } from "@/components/auth/for-practitioners";
import { PractitionerNav } from "@/components/auth/practitioner-nav";
import { RequireSignIn } from "@/components/auth/require-sign-in";
import { Badge } from "@/components/ui/badge";
import { EmptyState } from "@/components/ui/empty-state";
import { LoadMore } from "@/components/ui/load-more";
import { Loading } from "@/components/ui/loading";
import { LoadError } from "@/components/ui/notice";
import { PageTitle } from "@/components/ui/page-title";
import { useDateChanges } from "@/lib/queries";
import { formatTimestamp } from "@/lib/time";

/** What a practitioner has called off or moved, newest first. */
export function DateChangesPage() {
  return (
    <>
      <PageTitle lead="Each shows what happened to whom, and what went back.">Called off and moved</PageTitle>
      <PractitionerNav />
      <RequireSignIn why="Dates are changed by their practitioners.">
        <DateChangeList />
      </RequireSignIn>
    </>
  );
}

function DateChangeList() {
  const changes = useDateChanges();
  if (changes.isPending) return <Loading rows={3} />;
  if (isForPractitioners(changes.error)) return <ForPractitioners />;
  if (changes.isError) return <LoadError query={changes} />;
  const results = changes.data.pages.flatMap((page) => page.results);
  if (results.length === 0) {
    return (
      <EmptyState title="Nothing was called off or moved">
        <p>When you change a date, you find here what became of its guests.</p>
      </EmptyState>
    );
  }
  return (
    <>
      <ul className="grid gap-3">
        {results.map((change) => (
          <li key={change.change_id}>
            <ChangeLink change={change} />
          </li>
        ))}
      </ul>
      <LoadMore pages={changes} />
    </>
  );
}

function ChangeLink({ change }: { change: DateChangeSummary }) {
  return (
    <Link
      href={`/roster/change/?change=${change.change_id}`}
      className="flex flex-wrap items-center justify-between gap-x-6 gap-y-2 rounded-2xl border border-line bg-card px-5 py-4 transition-shadow hover:shadow-lift"
    >
      <span className="min-w-0">
        <span className="block break-words font-semibold">{change.title}</span>
        <span className="text-base text-soft">
          {change.kind === "move" ? "Moved" : "Called off"} on {formatTimestamp(change.created_at)}
        </span>
      </span>
      {change.status === "done" ? <Badge tone="good">Done</Badge> : <Badge tone="wait">In progress</Badge>}
    </Link>
  );
}
