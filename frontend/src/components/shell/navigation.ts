/** The pages that the header links to; on a phone the account menu does. */
export const MAIN_LINKS = [
  { href: "/", label: "Discover" },
  { href: "/bookings/", label: "Bookings" },
  { href: "/orders/", label: "Orders" },
  { href: "/credits/", label: "Credits" },
  { href: "/cards/", label: "Cards" },
] as const;
