"use client";
import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import {
  type Account,
  accountPartialUpdate,
  accountRetrieve,
  type PatchedAccountRequest,
} from "@/api/generated";
import { unwrap } from "@/api/problem";
import { updateStoredName } from "@/api/session";
import { announce } from "@/lib/announce";
import { OWN_DATA } from "@/lib/queries";

export type Profile = Account;

const KEY = [OWN_DATA, "account"];

export const useProfile = () => useQuery({ queryKey: KEY, queryFn: () => unwrap(accountRetrieve()) });

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
      updateStoredName(saved.name || saved.email);
      announce(done);
    },
  });
}
