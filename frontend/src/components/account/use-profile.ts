"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import {
  type Account,
  accountPartialUpdate,
  accountRetrieve,
  type PatchedAccountRequest,
} from "@/api/generated";
import { unwrap } from "@/api/problem";
import { updateStoredAccount } from "@/api/session";
import { announce } from "@/lib/announce";
import { OWN_DATA } from "@/lib/queries";
import { useSteady } from "@/lib/steady";

export type Profile = Account;

const KEY = [OWN_DATA, "account"];

export const useProfile = () => useSteady(useQuery({ queryKey: KEY, queryFn: fetchProfile }), "account");

async function fetchProfile(): Promise<Profile> {
  const profile = await unwrap(accountRetrieve());
  showProfile(profile);
  return profile;
}

/** Shows the name and the address all over the shop; the address may have been confirmed in another browser. */
const showProfile = ({ email, name }: Profile) => updateStoredAccount({ email, name: name || email });

/** Loads the profile anew, after a change at the addresses of sign-in. */
export function useReloadProfile() {
  const client = useQueryClient();
  return () => client.invalidateQueries({ queryKey: KEY });
}

/** Saves fields of the profile, and announces `done`. */
export function useSaveProfile(done: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: (body: PatchedAccountRequest) => unwrap(accountPartialUpdate({ body })),
    onSuccess: (saved) => {
      client.setQueryData(KEY, saved);
      showProfile(saved);
      announce(done);
    },
  });
}
