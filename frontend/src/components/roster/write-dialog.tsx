"use client";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useRef, useState } from "react";
import {
  type GuestMessage,
  type GuestMessageRequestRequest,
  rosterBookingsMessageCreate,
  rosterSessionsMessageCreate,
} from "@/api/generated";
import { unwrap } from "@/api/problem";
import { Button } from "@/components/ui/button";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { ErrorNotice } from "@/components/ui/notice";
import { TextArea } from "@/components/ui/text-area";
import { announce } from "@/lib/announce";
import { newKey } from "@/lib/random";
import type { Addressee } from "@/lib/roster";
import { useAccount } from "@/lib/use-account";

const TEXT_MAX = 2000;

type Props = {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  to: Addressee;
  who: string;
  about: string;
  onSent: () => void;
};

/** A message to one guest or to all of a date. They get it by mail, and nobody is shown an address. */
export function WriteDialog({ open, onOpenChange, ...rest }: Props) {
  return (
    <Dialog
      open={open}
      onOpenChange={onOpenChange}
      title={`Write to ${rest.who}`}
      description={<p>About {rest.about}. It goes out as a mail at once.</p>}
    >
      <WriteForm {...rest} onCancel={() => onOpenChange(false)} />
    </Dialog>
  );
}

function WriteForm({
  to,
  who,
  onSent,
  onCancel,
}: Omit<Props, "open" | "onOpenChange"> & { onCancel: () => void }) {
  const account = useAccount();
  const [text, setText] = useState("");
  const [reply_to_me, setReplyToMe] = useState(false);
  const send = useSendMessage(to);
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (send.isPending) return;
    const done = () => {
      announce(`Your message to ${who} is on its way.`);
      onSent();
    };
    send.mutate({ text, reply_to_me }, { onSuccess: done });
  };
  return (
    <form onSubmit={submit} className="grid gap-4">
      <ErrorNotice error={send.error} changes />
      <TextArea
        label="Your message"
        required
        rows={6}
        maxLength={TEXT_MAX}
        value={text}
        onChange={(event) => setText(event.target.value)}
        hint={`${TEXT_MAX - text.length} characters left. Plain text; no link is made of addresses.`}
      />
      <label className="flex items-start gap-3">
        <input
          type="checkbox"
          checked={reply_to_me}
          onChange={(event) => setReplyToMe(event.target.checked)}
          className="mt-1 size-5 shrink-0 accent-tide"
        />
        <span className="min-w-0">
          <span className="block">Replies come to me, at {account?.email}</span>
          <span className="block text-base text-soft">
            Without this, nobody is shown your address: replies reach us, and we pass them on.
          </span>
        </span>
      </label>
      <DialogActions>
        <Button look="quiet" onClick={onCancel}>
          Not now
        </Button>
        <Button type="submit" busy={send.isPending}>
          Send
        </Button>
      </DialogActions>
    </form>
  );
}

/** Sends a message once: the same words again have the same key, so a lost answer sends no second mail. */
function useSendMessage(to: Addressee) {
  const attempt = useRef({ words: "", key: "" });
  return useMutation({
    mutationFn: (body: GuestMessageRequestRequest): Promise<GuestMessage> => {
      const words = JSON.stringify(body);
      if (attempt.current.words !== words) attempt.current = { words, key: newKey() };
      const headers = { "Idempotency-Key": attempt.current.key };
      return unwrap(
        "booking" in to
          ? rosterBookingsMessageCreate({ path: { id: to.booking }, body, headers })
          : rosterSessionsMessageCreate({ path: { id: to.session }, body, headers }),
      );
    },
  });
}
