"use client";
import { ChevronLeft, ChevronRight, Printer } from "lucide-react";
import { type ReactNode, useState } from "react";
import { Button, ButtonLink } from "@/components/ui/button";
import { cn } from "@/lib/cn";
import { type View, validDay, weekOf } from "@/lib/roster";
import { addDays, formatDayKey } from "@/lib/time";

type Props = { day: string; view: View; today: string; onShow: (day: string, view: View) => void };

/** Leads to any day, past or coming: by arrows, by a date, and back to today; and switches between day and week. */
export function RosterToolbar({ day, view, today, onShow }: Props) {
  const step = view === "week" ? 7 : 1;
  const week = weekOf(day);
  const title =
    view === "week" ? `${formatDayKey(week[0] ?? day)} – ${formatDayKey(week[6] ?? day)}` : formatDayKey(day);
  return (
    <div className="grid gap-3">
      <div className="no-print flex flex-wrap items-center justify-between gap-x-4 gap-y-3">
        <ViewSwitch view={view} onChange={(to) => onShow(day, to)} />
        <div className="flex flex-wrap gap-2">
          <ButtonLink href="/roster/change/" look="quiet">
            Call off days
          </ButtonLink>
          <Button
            look="quiet"
            aria-label="Print"
            className="px-3.5 max-sm:hidden"
            onClick={() => window.print()}
          >
            <Printer aria-hidden="true" className="size-5" />
          </Button>
        </div>
      </div>
      <div className="flex flex-wrap items-center gap-2">
        <Arrow label={`Previous ${view}`} onClick={() => onShow(addDays(day, -step), view)}>
          <ChevronLeft aria-hidden="true" className="size-6" />
        </Arrow>
        <Arrow label={`Next ${view}`} onClick={() => onShow(addDays(day, step), view)}>
          <ChevronRight aria-hidden="true" className="size-6" />
        </Arrow>
        <h2 aria-live="polite" className="ml-1 min-w-0 flex-1 font-display text-heading">
          {title}
        </h2>
        <div className="no-print flex items-center gap-2 max-sm:w-full">
          <DayInput day={day} onChoose={(to) => onShow(to, view)} />
          <Button
            look="quiet"
            aria-current={day === today ? "date" : undefined}
            onClick={() => onShow(today, view)}
          >
            Today
          </Button>
        </div>
      </div>
    </div>
  );
}

/** A date that is typed digit by digit is chosen once it is a whole one. */
function DayInput({ day, onChoose }: { day: string; onChoose: (day: string) => void }) {
  const [draft, setDraft] = useState({ day, value: day });
  const type = (value: string) => {
    setDraft({ day, value });
    if (validDay(value)) onChoose(value);
  };
  return (
    <input
      type="date"
      aria-label="Go to a day"
      required
      min="2000-01-01"
      max="2099-12-31"
      value={draft.day === day ? draft.value : day}
      onChange={(event) => type(event.target.value)}
      className="min-h-11 min-w-0 flex-1 rounded-full border border-edge bg-card px-4"
    />
  );
}

function Arrow({ label, onClick, children }: { label: string; onClick: () => void; children: ReactNode }) {
  return (
    <button
      type="button"
      aria-label={label}
      onClick={onClick}
      className="no-print grid size-11 place-items-center rounded-full border border-edge bg-card hover:border-tide hover:bg-mist"
    >
      {children}
    </button>
  );
}

const VIEWS: [View, string][] = [
  ["day", "Day"],
  ["week", "Week"],
];

function ViewSwitch({ view, onChange }: { view: View; onChange: (view: View) => void }) {
  return (
    <fieldset className="inline-flex rounded-full border border-edge bg-card p-1">
      <legend className="sr-only">View</legend>
      {VIEWS.map(([name, text]) => (
        <button
          key={name}
          type="button"
          aria-pressed={view === name}
          onClick={() => onChange(name)}
          className={cn(
            "min-h-11 rounded-full px-5 font-semibold transition-colors",
            view === name ? "bg-tide text-white" : "text-ink hover:bg-mist",
          )}
        >
          {text}
        </button>
      ))}
    </fieldset>
  );
}
