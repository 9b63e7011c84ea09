"use client";
import { useEffect, useState } from "react";
import { serverNow } from "@/api/server-clock";
import { Button } from "@/components/ui/button";
import { Notice } from "@/components/ui/notice";
import { announce } from "@/lib/announce";
import { formatTime } from "@/lib/time";

const SECOND_MS = 1_000;
const WARN_AT_S = 60;

/** Counts down the seconds until a time of the server's clock; null without a time. */
export function useSecondsLeft(until: string | null): number | null {
  const [left, setLeft] = useState<number | null>(null);
  useEffect(() => {
    if (!until) return setLeft(null);
    const look = () => setLeft(Math.max(0, Math.ceil((Date.parse(until) - serverNow()) / SECOND_MS)));
    look();
    const ticking = setInterval(look, SECOND_MS);
    return () => clearInterval(ticking);
  }, [until]);
  return left;
}

type HoldProps = { until: string; keepsPlace: boolean };

/** Says until when an order can be paid, such as "Kept for you until 11:09 (4:32)"; the last minute is announced. */
export function HoldCountdown({ until, keepsPlace }: HoldProps) {
  const left = useSecondsLeft(until);
  const isEnding = left !== null && left <= WARN_AT_S && left > 0;
  useEffect(() => {
    if (isEnding) announce("The time to pay ends in less than a minute.");
  }, [isEnding]);
  if (left === null) return null;
  if (left === 0) return <p className="text-base">The time to pay is over.</p>;
  return (
    <p className="tabular text-base" role="timer">
      {keepsPlace ? "Kept for you until" : "Can be paid until"}{" "}
      <span className="font-semibold">{formatTime(until)}</span> ({clockOf(left)})
    </p>
  );
}

type HoldNoticeProps = HoldProps & { busy: boolean; onAgain: () => void };

/** The hold of the checkout: how long it lasts; once it is over why, and a button that takes the same again. */
export function HoldNotice({ until, keepsPlace, busy, onAgain }: HoldNoticeProps) {
  const left = useSecondsLeft(until);
  if (left === null) return null;
  if (left > 0)
    return (
      <div className="rounded-2xl border border-tide/25 bg-mist px-4 py-3 text-tide-deep">
        <HoldCountdown until={until} keepsPlace={keepsPlace} />
      </div>
    );
  return (
    <Notice title="The time to pay is over">
      {keepsPlace ? (
        <>
          <p>
            No payment arrived until {formatTime(until)}, so what was kept for you is free for others again.
            You can take the same again, if nobody was faster.
          </p>
          <Button look="quiet" size="small" className="mt-3" busy={busy} onClick={onAgain}>
            Keep it for me again
          </Button>
        </>
      ) : (
        <p>No payment arrived until {formatTime(until)}. Pay to order it anew.</p>
      )}
    </Notice>
  );
}

/** Returns such as "14:07". */
const clockOf = (seconds: number) => `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;

/** Resolves at a time of the server's clock; `stop` ends the wait. */
export function waitUntil(moment: string): { over: Promise<"over">; stop: () => void } {
  let timer: ReturnType<typeof setTimeout>;
  const over = new Promise<"over">((resolve) => {
    const look = () => {
      const left = Date.parse(moment) - serverNow();
      // Short timers: a device notices the time after sleep, and a timer can't exceed 24 days.
      if (left <= 0) resolve("over");
      else timer = setTimeout(look, Math.min(left, SECOND_MS));
    };
    look();
  });
  return { over, stop: () => clearTimeout(timer) };
}
