"use client";
import { useQuery } from "@tanstack/react-query";
import { ForPractitioners, isForPractitioners } from "@/components/auth/for-practitioners";
import { ButtonLink } from "@/components/ui/button";
import { Card, CardTitle } from "@/components/ui/card";
import { Loading } from "@/components/ui/loading";
import { LoadError, Notice } from "@/components/ui/notice";
import { dateChangeQuery } from "@/lib/queries";
import { useSteady } from "@/lib/steady";
import { CalledOffDates } from "./called-off-dates";
import { ConsequenceList } from "./consequence-list";

/** Shows how far a change is, until each guest has been refunded or moved, and written to. */
export function DateChangeProgress({ id }: { id: string }) {
  const change = useSteady(useQuery(dateChangeQuery(id)), id);
  if (change.isPending) return <Loading rows={2} />;
  if (isForPractitioners(change.error)) return <ForPractitioners />;
  if (change.isError) return <LoadError query={change} />;
  const { status, title, progress, rows, called_off_dates: dates, more_called_off_dates: more } = change.data;
  const done = progress.done + progress.held_back;
  return (
    <>
      <Card>
        <CardTitle>{title}</CardTitle>
        {status === "done" ? (
          <Notice kind="good" className="mt-3" title="Done">
            <p>Everybody concerned has been written to.</p>
            {progress.held_back > 0 ? (
              <p>
                {progress.held_back === 1
                  ? "1 refund waits for a dispute to end. It is made by itself."
                  : `${progress.held_back} refunds wait for disputes to end. They are made by themselves.`}
              </p>
            ) : null}
          </Notice>
        ) : (
          <div className="mt-3">
            <p role="status">
              {progress.total > 0 ? `${done} of ${progress.total} done.` : "It is being done."} You need not
              wait: it goes on by itself.
            </p>
            {progress.total > 0 ? (
              <progress
                className="mt-2 h-3 w-full accent-tide"
                value={done}
                max={progress.total}
                aria-label="Progress"
              />
            ) : null}
          </div>
        )}
        <CalledOffDates done dates={dates} more={more} />
        <ConsequenceList rows={rows} />
      </Card>
      <div className="mt-6 flex flex-wrap gap-3">
        <ButtonLink href="/roster/" look="quiet">
          To your roster
        </ButtonLink>
        <ButtonLink href="/roster/changes/" look="plain">
          All that you called off or moved
        </ButtonLink>
      </div>
    </>
  );
}
