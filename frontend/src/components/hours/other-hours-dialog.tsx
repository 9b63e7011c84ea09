"use client";
import { useMutation } from "@tanstack/react-query";
import { useState } from "react";
import { type Hours, type HoursException, hoursExceptionsUpdate } from "@/api/generated";
import { Problem, unwrap } from "@/api/problem";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { Field } from "@/components/ui/field";
import { ErrorNotice } from "@/components/ui/notice";
import { Switch } from "@/components/ui/switch";
import { announce } from "@/lib/announce";
import { addDays, dayKey } from "@/lib/time";
import { formatWeekdayDate, weekdayOf } from "./day-names";
import { useRefetchHours, useShowHours } from "./use-hours";
import { editable, faultOf, type Windows } from "./windows";
import { WindowsEditor } from "./windows-editor";

const DAYS_AHEAD = 366;

type Props = { hours: Hours; edited: HoursException | undefined; onClose: () => void };

/** Asks for the hours of one day; a new day starts with those of its weekday. */
export function OtherHoursDialog({ hours, edited, onClose }: Props) {
  const today = dayKey(new Date().toISOString(), hours.time_zone);
  const [day, setDay] = useState(edited?.day ?? "");
  const [windows, setWindows] = useState<Windows>(editable(edited?.windows ?? []));
  const [isOff, setOff] = useState(edited?.windows.length === 0);
  const show = useShowHours();
  const refetch = useRefetchHours();
  const existing = edited ?? hours.exceptions.find((one) => one.day === day);
  const save = useMutation({
    mutationFn: () =>
      unwrap(
        hoursExceptionsUpdate({
          path: { day },
          body: { version: existing?.version ?? "", windows: isOff ? [] : [...windows] },
        }),
      ),
    onSuccess: (answer) => {
      show(answer);
      announce(`The hours of ${formatWeekdayDate(day)} are saved.`);
      onClose();
    },
    onError: (error) => {
      if (error instanceof Problem && error.code === "hours_changed") void refetch();
    },
  });
  const choose = (chosen: string) => {
    setDay(chosen);
    if (!chosen) return;
    const own = hours.exceptions.find((one) => one.day === chosen);
    const next = editable(own?.windows ?? hours.week[weekdayOf(chosen)]?.windows ?? []);
    setWindows(next);
    setOff(own?.windows.length === 0);
  };
  return (
    <Dialog
      open
      onOpenChange={onClose}
      title={edited ? formatWeekdayDate(edited.day) : "A day with other hours"}
      description="These hours hold on this day alone. What is booked already stays as it is."
    >
      <form
        className="grid gap-5"
        onSubmit={(event) => {
          event.preventDefault();
          save.mutate();
        }}
      >
        <ErrorNotice error={save.error} changes />
        {edited ? null : (
          <Field
            label="Day"
            type="date"
            required
            min={today}
            max={addDays(today, DAYS_AHEAD)}
            value={day}
            onChange={(event) => choose(event.target.value)}
          />
        )}
        {day ? (
          <>
            <Switch checked={isOff} onChange={setOff} label="Not working on this day" />
            {isOff ? null : (
              <WindowsEditor day={formatWeekdayDate(day)} windows={windows} onChange={setWindows} />
            )}
          </>
        ) : null}
        <DialogActions>
          <Button look="quiet" onClick={onClose}>
            Back
          </Button>
          <Button
            type="submit"
            busy={save.isPending}
            disabled={!day || (!isOff && (windows.length === 0 || faultOf(windows) !== undefined))}
          >
            Save this day
          </Button>
        </DialogActions>
      </form>
    </Dialog>
  );
}
