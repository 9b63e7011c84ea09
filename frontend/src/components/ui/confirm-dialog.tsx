"use client";
import type { ReactNode } from "react";
import { Button } from "./button";
import { Dialog, DialogActions } from "./dialog";
import { ErrorNotice } from "./notice";

type Props = {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  title: string;
  children: ReactNode;
  confirm: string;
  keep: string;
  busy: boolean;
  error: unknown;
  /** Whether what will happen is shown already; nobody confirms what can't be read. */
  ready?: boolean;
  onConfirm: () => void;
};

/** Asks for confirmation before an action that can't be undone. */
export function ConfirmDialog({
  open,
  onOpenChange,
  title,
  children,
  confirm,
  keep,
  busy,
  error,
  ready = true,
  onConfirm,
}: Props) {
  return (
    <Dialog open={open} onOpenChange={onOpenChange} title={title} description={children}>
      <ErrorNotice error={error} changes className="mb-4" />
      <DialogActions>
        <Button look="quiet" onClick={() => onOpenChange(false)}>
          {keep}
        </Button>
        <Button look="danger" busy={busy} disabled={!ready} onClick={onConfirm}>
          {confirm}
        </Button>
      </DialogActions>
    </Dialog>
  );
}
