"use client";
import { useMutation } from "@tanstack/react-query";
import { Copy } from "lucide-react";
import { type Hours, hoursUpdate } from "@/api/generated";
import { Problem, unwrap } from "@/api/problem";
import { Button } from "@/components/ui/button";
import { Card, CardTitle } from "@/components/ui/card";
import { announce } from "@/lib/announce";
import { zoneName } from "@/lib/time";
import { SaveBar } from "./save-bar";
import { changedDays, useRefetchHours, useShowHours, useWeekDraft, type WeekDraft } from "./use-hours";
import { canCopyMonday, copyMonday, editableWeek, faultOf, WEEKDAYS, type Week } from "./windows";
import { WindowsEditor } from "./windows-editor";

/** The hours of each weekday. What is changed is kept until it is saved or discarded. */
export function WeekEditor({ hours }: { hours: Hours }) {
  const [draft, keep] = useWeekDraft();
  const show = useShowHours();
  const refetch = useRefetchHours();
  const saved = editableWeek(hours);
  const week = draft?.week ?? saved;
  const save = useMutation({
    mutationFn: ({ week, version }: WeekDraft) =>
      unwrap(
        hoursUpdate({
          body: { version, week: week.map((windows, weekday) => ({ weekday, windows: [...windows] })) },
        }),
      ),
    onSuccess: (answer) => {
      show(answer);
      keep(undefined);
      announce("Your weekly hours are saved.");
    },
    onError: (error) => {
      if (isStale(error)) void refetch();
    },
  });
  const change = (next: Week) => {
    const isChanged = changedDays(saved, next).length > 0;
    keep(isChanged ? { week: next, version: draft?.version ?? hours.version } : undefined);
  };
  const discard = () => {
    keep(undefined);
    save.reset();
    announce("Your changes are discarded.");
  };
  return (
    <>
      <Card className="p-4">
        <CardTitle>Every week</CardTitle>
        <p className="mt-1 mb-2 text-soft">Times are on the clock in {zoneName(hours.time_zone)}.</p>
        <div className="divide-y divide-line">
          {week.map((windows, day) => (
            <DayRow
              key={WEEKDAYS[day]}
              day={WEEKDAYS[day] ?? ""}
              windows={windows}
              onChange={(next) => change(week.map((one, place) => (place === day ? next : one)))}
              onCopy={day === 0 && canCopyMonday(week) ? () => change(copyMonday(week)) : undefined}
            />
          ))}
        </div>
      </Card>
      {draft ? (
        <SaveBar
          before={saved}
          after={draft.week}
          days={changedDays(saved, draft.week)}
          busy={save.isPending}
          error={isStale(save.error) ? null : save.error}
          isFaulty={draft.week.some((windows) => faultOf(windows))}
          isStale={draft.version !== hours.version}
          onSave={() => save.mutate({ week: draft.week, version: hours.version })}
          onDiscard={discard}
        />
      ) : null}
    </>
  );
}

const isStale = (error: unknown) => error instanceof Problem && error.code === "hours_changed";

type RowProps = {
  day: string;
  windows: Week[number];
  onChange: (windows: Week[number]) => void;
  onCopy: (() => void) | undefined;
};

function DayRow({ day, windows, onChange, onCopy }: RowProps) {
  return (
    <section className="grid gap-x-6 gap-y-1 py-4 sm:grid-cols-[9rem_1fr]" aria-label={day}>
      <div className="flex min-h-11 flex-wrap items-center gap-x-3">
        <h3 className="font-semibold">{day}</h3>
        {windows.length === 0 ? <p className="text-soft">Not working</p> : null}
      </div>
      <div>
        <WindowsEditor day={day} windows={windows} onChange={onChange} />
        {onCopy ? (
          <Button look="plain" className="min-h-11" onClick={onCopy}>
            <Copy aria-hidden="true" className="size-5" />
            Copy Monday to all weekdays
          </Button>
        ) : null}
      </div>
    </section>
  );
}
