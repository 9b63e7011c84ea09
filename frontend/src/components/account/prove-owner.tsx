"use client";
import { useMutation } from "@tanstack/react-query";
import { type FormEvent, useState } from "react";
import { CodeField, isWholeCode } from "@/components/auth/code-field";
import { PasswordField } from "@/components/auth/person-fields";
import { Button } from "@/components/ui/button";
import { Dialog } from "@/components/ui/dialog";
import { ErrorNotice } from "@/components/ui/notice";
import {
  reauthenticateByCode,
  reauthenticateByPassword,
  requestReauthenticationCode,
} from "@/lib/account-access";

type Props = { open: boolean; onClose: () => void; onProven: () => void; hasPassword: boolean };

/** Asks for the password once more, or for a code that is mailed to the account's address. */
export function ProveOwner({ open, onClose, onProven, hasPassword }: Props) {
  return (
    <Dialog
      open={open}
      onOpenChange={(isOpen) => (isOpen ? undefined : onClose())}
      title="Is it you?"
      description="This changes your account, so we ask once more. It counts for five minutes."
    >
      {hasPassword ? <ByPassword onProven={onProven} /> : <ByCode onProven={onProven} />}
    </Dialog>
  );
}

function ByPassword({ onProven }: { onProven: () => void }) {
  const [password, setPassword] = useState("");
  const prove = useMutation({ mutationFn: () => reauthenticateByPassword(password), onSuccess: onProven });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!prove.isPending) prove.mutate();
  };
  return (
    <form onSubmit={submit} className="grid grid-cols-1 gap-5">
      <ErrorNotice error={prove.error} />
      <PasswordField isNew={false} label="Your password" value={password} onChange={setPassword} />
      <Button type="submit" busy={prove.isPending}>
        Go on
      </Button>
    </form>
  );
}

function ByCode({ onProven }: { onProven: () => void }) {
  const [code, setCode] = useState("");
  const send = useMutation({ mutationFn: requestReauthenticationCode });
  const prove = useMutation({ mutationFn: reauthenticateByCode, onSuccess: onProven });
  const type = (digits: string) => {
    setCode(digits);
    if (isWholeCode(digits) && digits !== code && !prove.isPending) prove.mutate(digits);
  };
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!prove.isPending) prove.mutate(code);
  };
  if (!send.isSuccess) {
    return (
      <div className="grid gap-5">
        <ErrorNotice error={send.error} />
        <Button busy={send.isPending} onClick={() => send.mutate()}>
          Mail me a code
        </Button>
      </div>
    );
  }
  return (
    <form onSubmit={submit} className="grid grid-cols-1 gap-5">
      <ErrorNotice error={prove.error} />
      <CodeField value={code} onChange={type} />
      <Button type="submit" busy={prove.isPending}>
        Go on
      </Button>
      <Button look="plain" onClick={send.reset}>
        Send another code
      </Button>
    </form>
  );
}
