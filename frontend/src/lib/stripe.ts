"use client";
import type { Appearance, Stripe } from "@stripe/stripe-js";
import { loadStripe } from "@stripe/stripe-js/pure";
import { queryOptions, useQuery } from "@tanstack/react-query";
import type { PublicSettings } from "@/api/generated";
import { ReadableError } from "@/api/problem";
import { useConfig } from "./queries";
import { useSteady } from "./steady";

const NOT_LOADED =
  "The card form could not be loaded. Check your connection, or whether something blocks it, and try again.";

/** Loads the sandbox's Stripe.js; `loadStripe` then uses `window.Stripe` and fetches nothing from js.stripe.com. */
function loadScript(url: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const script = document.createElement("script");
    script.src = url;
    script.onload = () => resolve();
    script.onerror = () => {
      // Lets a retry load the script again.
      script.remove();
      reject(new ReadableError(NOT_LOADED));
    };
    document.head.append(script);
  });
}

async function openStripe(config: PublicSettings): Promise<Stripe> {
  if (!config.publishable_key) throw new ReadableError(config.problem);
  if (config.stripe_js_url && !window.Stripe) await loadScript(config.stripe_js_url);
  const stripe = await loadStripe(config.publishable_key).catch(() => null);
  if (!stripe) throw new ReadableError(NOT_LOADED);
  return stripe;
}

/** Returns Stripe.js for the publishable key that the server sends; loaded once, on pages that need it. */
export function useStripeJs() {
  const { data: config } = useConfig();
  return useSteady(useQuery(stripeQuery(config)), config?.publishable_key ?? "");
}

export const stripeQuery = (config: PublicSettings | undefined) =>
  queryOptions({
    queryKey: ["stripe", config?.publishable_key],
    queryFn: () => openStripe(config as PublicSettings),
    enabled: config !== undefined,
    retry: false,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: Number.POSITIVE_INFINITY,
    structuralSharing: false,
  });

export const appearance: Appearance = {
  theme: "stripe",
  variables: {
    colorPrimary: "#17615e",
    colorBackground: "#ffffff",
    colorText: "#17302f",
    colorTextSecondary: "#4d605d",
    colorTextPlaceholder: "#6b7a77",
    colorDanger: "#9a3b1f",
    borderRadius: "12px",
    fontFamily: "Figtree, system-ui, sans-serif",
    fontSizeBase: "17px",
    spacingUnit: "4px",
  },
};

/** The style of the single-line Card Element. */
export const cardStyle = {
  base: { fontSize: "17px", color: "#17302f", "::placeholder": { color: "#6b7a77" } },
  invalid: { color: "#9a3b1f" },
};

/** Stripe's own sentence allows charges at any time. The buyer agrees to ours, which is kept with the card. */
export const OWN_WORDING = { card: "never" } as const;
