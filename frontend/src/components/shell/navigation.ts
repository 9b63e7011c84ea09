/** The pages that the header links to; on a phone the account menu does. */
export const MAIN_LINKS = [
  { href: "/", label: "Discover" },
  { href: "/bookings/", label: "Bookings" },
  { href: "/orders/", label: "Orders" },
  { href: "/credits/", label: "Credits" },
  { href: "/cards/", label: "Cards" },
] as const;

/** The pages of practitioners, which the account menu links to. */
export const PRACTITIONER_LINKS = [
  { href: "/roster/", label: "My roster" },
  { href: "/dates/", label: "My dates" },
  { href: "/hours/", label: "My hours" },
] as const;
