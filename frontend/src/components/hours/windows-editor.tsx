"use client";
import { Plus, X } from "lucide-react";
import { useId } from "react";
import type { HoursWindow } from "@/api/generated";
import { Button } from "@/components/ui/button";
import { cn } from "@/lib/cn";
import { faultOf, nextWindow, type Windows } from "./windows";

type Props = {
  /** Whose windows they are, such as "Monday"; part of each control's name. */
  day: string;
  windows: Windows;
  onChange: (windows: Windows) => void;
};

/** The windows of one day: from, until, remove; and a button for one more. */
export function WindowsEditor({ day, windows, onChange }: Props) {
  const id = useId();
  const fault = faultOf(windows);
  const next = nextWindow(windows);
  const replace = (index: number, change: Partial<HoursWindow>) =>
    onChange(windows.map((one, place) => (place === index ? { ...one, ...change } : one)));
  return (
    <div className="grid gap-2">
      {windows.map((one, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a line is its place; its times change while it is edited.
        <div key={index} className="flex items-center gap-2">
          <TimeInput
            label={`${day}, from`}
            value={one.starts}
            fault={fault && `${id}-fault`}
            onChange={(starts) => replace(index, { starts })}
          />
          <span aria-hidden="true">–</span>
          <TimeInput
            label={`${day}, until`}
            value={one.ends}
            fault={fault && `${id}-fault`}
            onChange={(ends) => replace(index, { ends })}
          />
          <button
            type="button"
            aria-label={`Remove line ${index + 1} of ${day}`}
            onClick={() => onChange(windows.filter((_, place) => place !== index))}
            className="grid size-11 shrink-0 place-items-center rounded-full text-soft hover:bg-sand hover:text-ink"
          >
            <X aria-hidden="true" className="size-5" />
          </button>
        </div>
      ))}
      {fault ? (
        <p id={`${id}-fault`} role="alert" className="text-base text-clay">
          {fault}
        </p>
      ) : null}
      {next ? (
        <Button
          look="plain"
          className="min-h-11 justify-self-start"
          onClick={() => onChange([...windows, next])}
        >
          <Plus aria-hidden="true" className="size-5" />
          Add hours<span className="sr-only"> on {day}</span>
        </Button>
      ) : null}
    </div>
  );
}

type TimeProps = {
  label: string;
  value: string;
  fault: string | undefined;
  onChange: (value: string) => void;
};

function TimeInput({ label, value, fault, onChange }: TimeProps) {
  return (
    <input
      type="time"
      aria-label={label}
      aria-invalid={fault ? true : undefined}
      aria-describedby={fault}
      value={value}
      onChange={(event) => onChange(event.target.value)}
      className={cn(
        "tabular min-h-11 w-full min-w-0 max-w-36 rounded-xl border border-edge bg-white px-2.5 outline-none focus:border-tide focus:ring-3 focus:ring-tide/20",
        "[&::-webkit-calendar-picker-indicator]:hidden",
        fault && "border-clay",
      )}
    />
  );
}
