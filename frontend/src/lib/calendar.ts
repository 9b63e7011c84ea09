import type { Booking } from "@/api/generated";
import { saveFile } from "@/lib/download";

type Meeting = { uid: string; start: string; end: string; join: string | null };

const formatUtc = (moment: string) => new Date(moment).toISOString().replace(/[-:]|\.\d{3}/g, "");
const escapeText = (text: string) => text.replace(/[\\;,]/g, (mark) => `\\${mark}`).replaceAll("\n", "\\n");

/** Folds a line after at most 75 octets (RFC 5545); continuation lines begin with a space. */
function foldLine(line: string): string {
  const encoder = new TextEncoder();
  const lines: string[] = [];
  let current = "";
  for (const letter of line) {
    if (encoder.encode(current + letter).length > (lines.length ? 74 : 75)) {
      lines.push(current);
      current = "";
    }
    current += letter;
  }
  return [...lines, current].join("\r\n ");
}

/** The uids are those of the calendar files in our mails, so that either replaces the other. */
function meetingsOf(booking: Booking): Meeting[] {
  if (booking.service_type === "course") {
    return booking.sessions.map((session) => ({
      uid: `booking-${booking.id}-${session.id}`,
      start: session.start_datetime,
      end: session.end_datetime,
      join: session.join_url,
    }));
  }
  const { id, start_datetime: start, end_datetime: end, join_url: join } = booking;
  return start && end ? [{ uid: `booking-${id}`, start, end, join }] : [];
}

const placeOf = ({ venue, location }: Booking) =>
  venue ? [venue.name, ...venue.address_lines].join(", ") : (location ?? "");

/** Returns a booking as an iCalendar document (RFC 5545), one event for each meeting. */
export function calendarOf(booking: Booking, now = new Date()): string {
  const events = meetingsOf(booking).flatMap(({ uid, start, end, join }) => [
    "BEGIN:VEVENT",
    `UID:${uid}@${window.location.hostname}`,
    // As in our mails: the later file has the higher number, so a calendar takes the new time of a moved booking.
    `SEQUENCE:${Math.max(0, Math.floor((now.getTime() - Date.parse(booking.created_at)) / 1000))}`,
    `DTSTAMP:${formatUtc(now.toISOString())}`,
    `DTSTART:${formatUtc(start)}`,
    `DTEND:${formatUtc(end)}`,
    `SUMMARY:${escapeText(booking.service_name)}`,
    `DESCRIPTION:${escapeText(`With ${booking.practitioner.name}`)}`,
    `LOCATION:${escapeText(placeOf(booking))}`,
    ...(join ? [`URL:${join}`] : []),
    "END:VEVENT",
  ]);
  const lines = [
    "BEGIN:VCALENDAR",
    "VERSION:2.0",
    "PRODID:-//Estuary//Bookings//EN",
    ...events,
    "END:VCALENDAR",
  ];
  return `${lines.map(foldLine).join("\r\n")}\r\n`;
}

/** Downloads an iCalendar file, which the browser builds without a request. */
export function downloadCalendar(booking: Booking): void {
  const file = new Blob([calendarOf(booking)], { type: "text/calendar;charset=utf-8" });
  saveFile(file, `estuary-booking-${booking.id}.ics`);
}
