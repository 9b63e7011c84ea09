"use client";
import { type FormEvent, useState } from "react";
import { NameField } from "@/components/auth/person-fields";
import { Button } from "@/components/ui/button";
import { Card, CardTitle } from "@/components/ui/card";
import { ErrorNotice } from "@/components/ui/notice";
import { Saved } from "./saved";
import { type Profile, useSaveProfile } from "./use-profile";

export function NameCard({ profile }: { profile: Profile }) {
  const [name, setName] = useState(profile.name);
  const save = useSaveProfile("Your name is saved.");
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!save.isPending) save.mutate({ name });
  };
  return (
    <Card>
      <CardTitle>Name</CardTitle>
      <form onSubmit={submit} className="mt-4 grid gap-4">
        <ErrorNotice error={save.error} />
        <NameField value={name} onChange={setName} />
        <div className="flex flex-wrap items-center gap-4">
          <Button type="submit" busy={save.isPending}>
            Save the name
          </Button>
          <Saved when={save.isSuccess && save.data.name === name.trim()} />
        </div>
      </form>
    </Card>
  );
}
