"use client";
import { useMutation } from "@tanstack/react-query";
import { type ReactNode, useState } from "react";
import { Problem } from "@/api/problem";
import { ProveOwner } from "./prove-owner";

/** Whether the server wants to know first that the owner of the account is there. */
const needsProof = (error: unknown) =>
  error instanceof Problem && (error.status === 401 || error.code === "reauthentication_required");

type Options<T> = { act: () => Promise<T>; onDone?: (result: T) => void; hasPassword: boolean };
type OwnerAction = { run: () => void; busy: boolean; error: unknown; isDone: boolean; dialog: ReactNode };

/** An action that needs the proof: it is asked for in `dialog` when it is missing, and then the action is repeated. */
export function useOwnerAction<T>({ act, onDone, hasPassword }: Options<T>): OwnerAction {
  const [asks, setAsks] = useState(false);
  const [isProven, setIsProven] = useState(false);
  const action = useMutation({
    mutationFn: act,
    onSuccess: onDone,
    onError: (error) => setAsks(needsProof(error) && !isProven),
  });
  const repeat = () => {
    setAsks(false);
    setIsProven(true);
    action.mutate();
  };
  return {
    run: () => {
      setIsProven(false);
      action.mutate();
    },
    busy: action.isPending,
    error: asks ? null : action.error,
    isDone: action.isSuccess,
    dialog: (
      <ProveOwner open={asks} onClose={() => setAsks(false)} onProven={repeat} hasPassword={hasPassword} />
    ),
  };
}
