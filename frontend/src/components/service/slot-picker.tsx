"use client";
import { ChevronLeft, ChevronRight } from "lucide-react";
import { useState } from "react";
import { serverNow } from "@/api/server-clock";
import { Loading } from "@/components/ui/loading";
import { LoadError } from "@/components/ui/notice";
import { type TimeSource, useSlots } from "@/lib/queries";
import { addDays, dayKey, formatDayKey, formatLongDay, formatTime, ownZone } from "@/lib/time";

const DAYS = 7;
const WEEKS_AHEAD = 12;

type Props = { source: TimeSource; zone?: string; chosen?: string; onChoose: (start: string) => void };

/** The free slots of a week by day: in the venue's time zone, or in the buyer's own. */
export function SlotPicker({ source, zone = ownZone(), chosen, onChoose }: Props) {
  const [week, setWeek] = useState(0);
  // Fixed when the page opens: the weeks do not shift at midnight.
  const [today] = useState(() => dayKey(new Date(serverNow()).toISOString(), zone));
  const firstDay = addDays(today, week * DAYS);
  const slots = useSlots(source, firstDay, DAYS, zone);
  const days = Map.groupBy(slots.data?.slots ?? [], (slot) => dayKey(slot.start_datetime, zone));
  return (
    <div>
      <WeekNavigation week={week} firstDay={firstDay} onTurn={setWeek} />
      {slots.isPending ? <Loading rows={3} /> : null}
      {slots.isError ? <LoadError query={slots} /> : null}
      {slots.isSuccess && days.size === 0 ? (
        <p className="rounded-2xl bg-sand/60 px-4 py-6 text-center text-soft">
          Nothing is free in these days. Look a week later.
        </p>
      ) : null}
      <div className="grid max-h-[26rem] gap-4 overflow-y-auto pr-1" tabIndex={-1}>
        {[...days].map(([key, free]) => (
          <fieldset key={key}>
            <legend className="mb-2 font-semibold text-base">
              {formatLongDay(free[0]?.start_datetime ?? key, zone)}
            </legend>
            <div className="flex flex-wrap gap-2">
              {free.map(({ start_datetime: start }) => (
                <SlotChoice
                  key={start}
                  start={start}
                  zone={zone}
                  checked={chosen === start}
                  onChoose={onChoose}
                />
              ))}
            </div>
          </fieldset>
        ))}
      </div>
    </div>
  );
}

type SlotChoiceProps = { start: string; zone: string; checked: boolean; onChoose: (start: string) => void };

function SlotChoice({ start, zone, checked, onChoose }: SlotChoiceProps) {
  return (
    <label className="relative inline-flex">
      <input
        type="radio"
        name="slot"
        className="peer absolute inset-0 size-full cursor-pointer appearance-none rounded-full outline-none"
        checked={checked}
        onChange={() => onChoose(start)}
      />
      {/* Styled by `peer`, as Firefox lacked `:has()` until December 2023. */}
      <span className="tabular pointer-events-none inline-flex min-h-11 min-w-[5.5rem] items-center justify-center rounded-full border border-edge/60 bg-white px-3 peer-checked:border-tide peer-checked:bg-tide peer-checked:text-white peer-focus-visible:outline-3 peer-focus-visible:outline-tide peer-focus-visible:outline-offset-2">
        {formatTime(start, zone)}
      </span>
    </label>
  );
}

type WeekNavigationProps = { week: number; firstDay: string; onTurn: (week: number) => void };

function WeekNavigation({ week, firstDay, onTurn }: WeekNavigationProps) {
  const last = week === WEEKS_AHEAD;
  return (
    <div className="mb-3 flex items-center justify-between">
      <WeekButton label="Earlier" disabled={week === 0} onClick={() => onTurn(week - 1)} Icon={ChevronLeft} />
      <p aria-live="polite" className="font-semibold">
        {week === 0 ? "The next 7 days" : `From ${formatDayKey(firstDay)}`}
      </p>
      <WeekButton label="Later" disabled={last} onClick={() => onTurn(week + 1)} Icon={ChevronRight} />
    </div>
  );
}

type WeekButtonProps = { label: string; disabled: boolean; onClick: () => void; Icon: typeof ChevronLeft };

function WeekButton({ label, disabled, onClick, Icon }: WeekButtonProps) {
  return (
    <button
      type="button"
      aria-label={`${label} days`}
      disabled={disabled}
      onClick={onClick}
      className="grid size-11 place-items-center rounded-full border border-edge/60 bg-white disabled:opacity-40"
    >
      <Icon aria-hidden="true" className="size-5" />
    </button>
  );
}
