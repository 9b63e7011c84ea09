"use client";
import { useEffect, useState } from "react";
import { announce } from "@/lib/announce";
import { serverNow } from "@/lib/server-clock";

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

/** Shows how long an order can still be paid; screen readers announce the last minute. */
export function HoldCountdown({ until, keepsPlace }: { until: string; keepsPlace: boolean }) {
  const left = useSecondsLeft(until);
  const isEnding = left !== null && left <= WARN_AT_S && left > 0;
  useEffect(() => {
    if (isEnding) announce("The time to pay ends in less than a minute.");
  }, [isEnding]);
  if (left === null) return null;
  if (left === 0) return <p className="text-base text-soft">The time to pay is over.</p>;
  return (
    <p className="tabular text-base text-soft" role="timer">
      {keepsPlace ? "Your place is kept for" : "This can be paid for"}{" "}
      <span className="font-semibold text-ink">{clockOf(left)}</span> more
    </p>
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
