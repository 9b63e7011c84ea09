import type { ServiceType } from "@/api/generated";

export const SERVICE_TYPES: Record<ServiceType, { one: string; many: string; hint: string }> = {
  session: { one: "1-on-1 session", many: "Sessions", hint: "Just you and the practitioner" },
  workshop: { one: "Workshop", many: "Workshops", hint: "A few hours in a small group" },
  course: { one: "Course", many: "Courses", hint: "Several meetings that build on each other" },
  package: { one: "Package", many: "Packages", hint: "Different services for one price" },
  bundle: { one: "Bundle", many: "Bundles", hint: "The same session, several times" },
};

export const SERVICE_TYPE_ORDER = Object.keys(SERVICE_TYPES) as ServiceType[];
export const isServiceType = (text: string | null): text is ServiceType =>
  text !== null && Object.hasOwn(SERVICE_TYPES, text);
