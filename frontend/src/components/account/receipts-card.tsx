"use client";
import { type FormEvent, useState } from "react";
import { Button } from "@/components/ui/button";
import { Card, CardTitle } from "@/components/ui/card";
import { Field } from "@/components/ui/field";
import { ErrorNotice } from "@/components/ui/notice";
import { TextArea } from "@/components/ui/text-area";
import { Saved } from "./saved";
import { type Profile, useSaveProfile } from "./use-profile";

export function ReceiptsCard({ profile }: { profile: Profile }) {
  const [name, setName] = useState(profile.billing_name ?? "");
  const [address, setAddress] = useState(profile.billing_address ?? "");
  const save = useSaveProfile("What your receipts say is saved.");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!save.isPending) save.mutate({ billing_name: name, billing_address: address });
  };
  const isSaved =
    save.isSuccess && save.data.billing_name === name.trim() && save.data.billing_address === address.trim();
  return (
    <Card>
      <CardTitle>On your receipts</CardTitle>
      <p className="mt-1 text-soft">Receipts that are written from now on carry it.</p>
      <form onSubmit={submit} className="mt-4 grid gap-4">
        <ErrorNotice error={save.error} />
        <Field
          label="Name or company"
          autoComplete="organization"
          maxLength={150}
          hint="Without one, receipts carry your name."
          value={name}
          onChange={(event) => setName(event.target.value)}
        />
        <TextArea
          label="Address"
          autoComplete="street-address"
          rows={4}
          maxLength={400}
          hint="At most six lines. A tax number may stand here too."
          value={address}
          onChange={(event) => setAddress(event.target.value)}
        />
        <div className="flex flex-wrap items-center gap-4">
          <Button type="submit" busy={save.isPending}>
            Save for receipts
          </Button>
          <Saved when={isSaved} />
        </div>
      </form>
    </Card>
  );
}
