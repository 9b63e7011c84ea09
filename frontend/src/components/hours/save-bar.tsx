"use client";
import { useEffect } from "react";
import { Button } from "@/components/ui/button";
import { ErrorNotice, Notice } from "@/components/ui/notice";
import { LeaveGuard } from "./leave-guard";
import { formatWindows, WEEKDAYS, type Week } from "./windows";

type Props = {
  before: Week;
  after: Week;
  days: number[];
  busy: boolean;
  error: unknown;
  isFaulty: boolean;
  /** The hours were saved elsewhere since these changes were begun. */
  isStale: boolean;
  onSave: () => void;
  onDiscard: () => void;
};

/** Stays in sight while changes are not saved: what changes, "Save" and "Discard". */
export function SaveBar({ before, after, days, busy, error, isFaulty, isStale, onSave, onDiscard }: Props) {
  useWarnOnUnload();
  const summary = days.length === 1 ? `${WEEKDAYS[days[0] ?? 0]} changes` : `${days.length} days change`;
  return (
    <section
      aria-label="Changes that are not saved"
      className="sticky bottom-3 z-20 grid gap-3 rounded-3xl border border-tide/40 bg-card p-4 shadow-lift"
    >
      <LeaveGuard />
      {isStale ? (
        <Notice kind="bad" title="Your hours were changed elsewhere meanwhile">
          <p>Nothing was lost. Discard to see what is saved, or save yours in its place.</p>
        </Notice>
      ) : null}
      <ErrorNotice error={error} changes />
      <details>
        <summary className="min-h-11 cursor-pointer content-center font-semibold">{summary}</summary>
        <ul className="text-base">
          {days.map((day) => (
            <li key={day}>
              <span className="font-semibold">{WEEKDAYS[day]}:</span>{" "}
              <s className="text-soft">
                <span className="sr-only">before: </span>
                {formatWindows(before[day] ?? [])}
              </s>{" "}
              <span className="sr-only">from now on: </span>
              {faultless(after[day] ?? [])}
            </li>
          ))}
        </ul>
      </details>
      <div className="flex gap-3">
        <Button className="grow sm:grow-0" busy={busy} disabled={isFaulty} onClick={onSave}>
          {isStale ? "Save mine" : "Save"}
        </Button>
        <Button look="quiet" onClick={onDiscard}>
          Discard
        </Button>
      </div>
      {isFaulty ? <p className="text-base text-clay">Correct the marked times first.</p> : null}
    </section>
  );
}

function faultless(windows: Week[number]): string {
  return windows.every(({ starts, ends }) => starts && ends) ? formatWindows(windows) : "not complete yet";
}

/** Has the browser ask before the tab is closed or loaded again. */
function useWarnOnUnload(): void {
  useEffect(() => {
    const warn = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", warn);
    return () => window.removeEventListener("beforeunload", warn);
  }, []);
}
