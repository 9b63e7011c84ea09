"use client";
import { useQueryClient } from "@tanstack/react-query";
import { useEffect } from "react";
import { cardsQuery, useConfig, walletQuery } from "./queries";
import { stripeQuery } from "./stripe";
import { useAccount } from "./use-account";

/** Loads what the card form needs as soon as a buyer is about to go there, so that it is there at the click. */
export function useWarmCheckout(isNear: boolean): void {
  const client = useQueryClient();
  const account = useAccount();
  const { data: config } = useConfig();
  useEffect(() => {
    if (!isNear || !config) return;
    // What fails here is loaded, and reported, by the checkout.
    void client.prefetchQuery(stripeQuery(config));
    if (!account) return;
    void client.prefetchQuery(cardsQuery);
    void client.prefetchQuery(walletQuery);
  }, [isNear, config, account, client]);
}
