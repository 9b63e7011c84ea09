"use client";
import { useIsFetching } from "@tanstack/react-query";
import { useEffect, useState } from "react";

/** By then each part of a page has begun to load what it shows. */
const DRAWN_AFTER_MS = 300;

/**
 * Turns the shop's fonts on once the page's first content is there; until then it is in the system's.
 *
 * At 400 kbit/s the two fonts alone take more than a second. A browser that has them shows them at once.
 */
export function LoadFonts({ variables }: { variables: string[] }) {
  const isBusy = useIsFetching() > 0;
  const [isDrawn, setDrawn] = useState(false);
  useEffect(() => {
    const drawing = setTimeout(() => setDrawn(true), DRAWN_AFTER_MS);
    return () => clearTimeout(drawing);
  }, []);
  useEffect(() => {
    if (isDrawn && !isBusy) document.documentElement.classList.add(...variables);
  }, [isDrawn, isBusy, variables]);
  return null;
}
