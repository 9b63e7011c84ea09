"use client";
import { Check, PenLine } from "lucide-react";
import { useState } from "react";
import { Button } from "@/components/ui/button";
import type { Addressee } from "@/lib/roster";
import { WriteDialog } from "./write-dialog";

type Props = { to: Addressee; who: string; label: string; about: string };

/** Opens the dialog in which a message is written, and says when one is on its way. */
export function WriteButton({ to, who, label, about }: Props) {
  const [open, setOpen] = useState(false);
  const [isSent, setIsSent] = useState(false);
  return (
    <div className="no-print flex items-center gap-2">
      {isSent ? (
        <span className="inline-flex items-center gap-1 font-semibold text-base text-moss">
          <Check aria-hidden="true" className="size-4" />
          Sent
        </span>
      ) : null}
      <Button look="quiet" className="px-4" onClick={() => setOpen(true)}>
        <PenLine aria-hidden="true" className="size-4" />
        {label}
        <span className="sr-only">
          {"booking" in to ? ` to ${who}` : ""} about {about}
        </span>
      </Button>
      <WriteDialog
        open={open}
        onOpenChange={setOpen}
        to={to}
        who={who}
        about={about}
        onSent={() => {
          setOpen(false);
          setIsSent(true);
        }}
      />
    </div>
  );
}
