import localFont from "next/font/local";

/**
 * Two variable fonts under the SIL Open Font License, served from our own origin.
 *
 * They are not preloaded: on a slow network they would delay what people came for (`load-fonts.tsx`).
 */
export const figtree = localFont({
  src: "../../node_modules/@fontsource-variable/figtree/files/figtree-latin-wght-normal.woff2",
  variable: "--font-figtree",
  weight: "300 900",
  display: "swap",
  preload: false,
});

export const fraunces = localFont({
  src: "../../node_modules/@fontsource-variable/fraunces/files/fraunces-latin-wght-normal.woff2",
  variable: "--font-fraunces",
  weight: "100 900",
  display: "swap",
  preload: false,
});
