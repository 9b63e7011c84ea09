import type { Metadata, Viewport } from "next";
import type { ReactNode } from "react";
import { Footer } from "@/components/shell/footer";
import { Header } from "@/components/shell/header";
import { REGION_PROPS } from "@/lib/announce";
import { figtree, fraunces } from "./fonts";
import "./globals.css";
import { LoadFonts } from "./load-fonts";
import { Providers } from "./providers";

export const metadata: Metadata = {
  title: { default: "Estuary: time for yourself", template: "%s · Estuary" },
  description: "Book yoga, bodywork, mindfulness and more with practitioners you can trust.",
};

export const viewport: Viewport = { themeColor: "#faf7f1", width: "device-width", initialScale: 1 };

const FONTS = [figtree.variable, fraunces.variable];

export default function RootLayout({ children }: { children: ReactNode }) {
  return (
    <html lang="en" suppressHydrationWarning>
      <body className="flex min-h-dvh flex-col">
        <a
          href="#main"
          className="sr-only z-50 rounded-full bg-tide px-5 py-3 font-semibold text-white focus:not-sr-only focus:fixed focus:top-3 focus:left-3"
        >
          Skip to the content
        </a>
        <Providers>
          <LoadFonts variables={FONTS} />
          <Header />
          <main
            id="main"
            tabIndex={-1}
            className="mx-auto w-full max-w-6xl flex-1 px-4 pt-6 pb-20 outline-none sm:px-6 sm:pt-10"
          >
            {children}
          </main>
          <Footer />
          <p {...REGION_PROPS} />
        </Providers>
      </body>
    </html>
  );
}
