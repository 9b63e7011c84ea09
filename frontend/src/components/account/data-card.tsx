"use client";
import { useRouter } from "next/navigation";
import { useState } from "react";
import { accountDataRetrieve, accountErasureCreate } from "@/api/generated";
import { unwrap } from "@/api/problem";
import { forgetSession } from "@/api/session";
import { Button } from "@/components/ui/button";
import { Card, CardTitle } from "@/components/ui/card";
import { Dialog, DialogActions } from "@/components/ui/dialog";
import { ErrorNotice } from "@/components/ui/notice";
import { Switch } from "@/components/ui/switch";
import { announce } from "@/lib/announce";
import { formatMoney, toMinor } from "@/lib/money";
import { useCredits } from "@/lib/queries";
import { useOwnerAction } from "./use-owner-action";
import type { Profile } from "./use-profile";

export function DataCard({ profile }: { profile: Profile }) {
  const [deletes, setDeletes] = useState(false);
  const download = useOwnerAction({
    act: () => unwrap(accountDataRetrieve()),
    onDone: (data) => saveFile("estuary-my-data.json", JSON.stringify(data, null, 2)),
    hasPassword: profile.has_password,
  });
  return (
    <Card>
      <CardTitle>Your data</CardTitle>
      <p className="mt-1 text-soft">A file with all that we have of you: orders, bookings, cards, credits.</p>
      <ErrorNotice error={download.error} className="mt-3" />
      <div className="mt-4 flex flex-wrap gap-3">
        <Button look="quiet" busy={download.busy} onClick={download.run}>
          Download my data
        </Button>
        <Button look="quiet" onClick={() => setDeletes(true)}>
          Delete my account
        </Button>
      </div>
      {download.dialog}
      <DeleteAccount profile={profile} open={deletes} onClose={() => setDeletes(false)} />
    </Card>
  );
}

/** Has the browser save a text as a file. */
function saveFile(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}

type DeleteAccountProps = { profile: Profile; open: boolean; onClose: () => void };

function DeleteAccount({ profile, open, onClose }: DeleteAccountProps) {
  const router = useRouter();
  const [givesUp, setGivesUp] = useState(false);
  const left = useCredits().data?.pages[0]?.balances.filter(
    ({ balance, currency }) => toMinor(balance, currency) > 0,
  );
  const remove = useOwnerAction({
    act: () => unwrap(accountErasureCreate({ body: { forfeit_credits: givesUp } })),
    onDone: () => {
      forgetSession();
      announce("Your account is closed. Its data is deleted within the hour.");
      router.replace("/");
    },
    hasPassword: profile.has_password,
  });
  return (
    <>
      <Dialog
        open={open}
        onOpenChange={(isOpen) => (isOpen ? undefined : onClose())}
        title="Delete your account?"
        description="Your name, address and cards are deleted, here and at Stripe. What the books need stays: sums, dates and what was sold. There is no way back."
      >
        <div className="grid gap-5">
          <ErrorNotice error={remove.error} changes />
          {left?.length ? (
            <Switch
              checked={givesUp}
              onChange={setGivesUp}
              label={`I give up my credits: ${left.map((of) => formatMoney(of.balance, of.currency)).join(", ")}`}
            />
          ) : null}
          <DialogActions>
            <Button look="quiet" onClick={onClose}>
              Keep my account
            </Button>
            <Button look="danger" busy={remove.busy} onClick={remove.run}>
              Delete my account
            </Button>
          </DialogActions>
        </div>
      </Dialog>
      {remove.dialog}
    </>
  );
}
