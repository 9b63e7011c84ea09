/** The locale of all formats: English, as the page's texts are, in the reader's own variety of it. */

const ENGLISH = /^en(-|$)/i;

/**
 * Returns a browser's English, such as en-AU; else British English where the clock has 24 hours, and American.
 *
 * A browser may report what is no language's tag, such as en-US@posix: every format would throw.
 */
export function chooseLocale(languages: readonly string[], hourCycle: string | undefined): string {
  const own = languages
    .map((language) => language.replace(/[@.].*$/, ""))
    .find((language) => ENGLISH.test(language) && isTag(language));
  if (own) return own;
  return hourCycle === "h23" || hourCycle === "h24" ? "en-GB" : "en-US";
}

function isTag(language: string): boolean {
  try {
    return Intl.getCanonicalLocales(language).length > 0;
  } catch {
    return false;
  }
}

function hourCycleOf(locale?: string): string | undefined {
  return new Intl.DateTimeFormat(locale, { hour: "numeric" }).resolvedOptions().hourCycle;
}

export const LOCALE = chooseLocale(
  typeof navigator === "undefined" ? [] : (navigator.languages ?? [navigator.language]),
  hourCycleOf(),
);

/** How hours are written: "9:30 AM" on a clock of twelve hours, "09:30" on one of twenty-four. */
export const HOUR = hourCycleOf(LOCALE)?.startsWith("h1") ? "numeric" : "2-digit";
