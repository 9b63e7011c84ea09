/** Calling off or moving a date, a 1-on-1 booking or days: which calls preview and confirm each. */
import {
  type DateChange,
  type DatePreview,
  rosterBookingsCallOffCreate,
  rosterBookingsCallOffRetrieve,
  rosterDaysCallOffCreate,
  rosterDaysCallOffRetrieve,
  rosterSessionsCallOffCreate,
  rosterSessionsCallOffRetrieve,
  rosterSessionsMoveCreate,
  rosterSessionsMoveRetrieve,
} from "@/api/generated";
import { Problem, unwrap } from "@/api/problem";

/** What a practitioner asks for; the new time of a moved date is a moment with its offset. */
export type ChangeRequest =
  | { kind: "call off session"; id: number }
  | { kind: "call off booking"; id: number }
  | { kind: "move"; id: number; start: string; end: string }
  | ({ kind: "call off days" } & Days);

/** A range of days; `from` on the first day and `until` on the last one are times of day, or empty for all of it. */
export type Days = { first: string; last: string; from: string; until: string };

const daysInApi = ({ first, last, from, until }: Days) => ({
  first_day: first,
  last_day: last,
  ...(from ? { start_time: from } : {}),
  ...(until ? { end_time: until } : {}),
});

export function previewChange(request: ChangeRequest): Promise<DatePreview> {
  switch (request.kind) {
    case "call off session":
      return unwrap(rosterSessionsCallOffRetrieve({ path: { id: request.id } }));
    case "call off booking":
      return unwrap(rosterBookingsCallOffRetrieve({ path: { id: request.id } }));
    case "move": {
      const query = { start_datetime: request.start, end_datetime: request.end };
      return unwrap(rosterSessionsMoveRetrieve({ path: { id: request.id }, query }));
    }
    case "call off days":
      return unwrap(rosterDaysCallOffRetrieve({ query: daysInApi(request) }));
  }
}

export function confirmChange(
  request: ChangeRequest,
  preview_id: string,
  message: string,
): Promise<DateChange> {
  const words = { preview_id, message };
  switch (request.kind) {
    case "call off session":
      return unwrap(rosterSessionsCallOffCreate({ path: { id: request.id }, body: words }));
    case "call off booking":
      return unwrap(rosterBookingsCallOffCreate({ path: { id: request.id }, body: words }));
    case "move": {
      const body = { ...words, start_datetime: request.start, end_datetime: request.end };
      return unwrap(rosterSessionsMoveCreate({ path: { id: request.id }, body }));
    }
    case "call off days":
      return unwrap(rosterDaysCallOffCreate({ body: { ...words, ...daysInApi(request) } }));
  }
}

/** Returns the preview that a refusal carries when things have changed since the one that was confirmed. */
export function newPreviewIn(error: unknown): DatePreview | undefined {
  if (!(error instanceof Problem) || error.code !== "preview_outdated") return undefined;
  return error.extra.preview as DatePreview;
}
