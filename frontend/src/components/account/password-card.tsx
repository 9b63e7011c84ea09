"use client";
import { type FormEvent, useState } from "react";
import { changePassword } from "@/api/session";
import { PasswordField } from "@/components/auth/person-fields";
import { Button } from "@/components/ui/button";
import { Card, CardTitle } from "@/components/ui/card";
import { ErrorNotice, Notice } from "@/components/ui/notice";
import { announce } from "@/lib/announce";
import { useOwnerAction } from "./use-owner-action";
import { type Profile, useReloadProfile } from "./use-profile";

export function PasswordCard({ profile }: { profile: Profile }) {
  const { has_password: hasPassword } = profile;
  const [current, setCurrent] = useState("");
  const [next, setNext] = useState("");
  const reload = useReloadProfile();
  const save = useOwnerAction({
    act: () => changePassword(hasPassword ? current : null, next),
    onDone: () => {
      setCurrent("");
      setNext("");
      announce("Your password is saved.");
      void reload();
    },
    hasPassword,
  });
  const submit = (event: FormEvent) => {
    event.preventDefault();
    if (!save.busy) save.run();
  };
  return (
    <Card>
      <CardTitle>Password</CardTitle>
      <p className="mt-1 text-soft">
        {hasPassword
          ? "A new password signs out every other browser."
          : "You sign in by mailed codes. With a password you can do without them."}
      </p>
      <form onSubmit={submit} className="mt-4 grid gap-4">
        <ErrorNotice error={save.error} />
        {save.isDone && !next ? <Notice kind="good" title="Your password is saved." /> : null}
        {hasPassword ? (
          <PasswordField isNew={false} label="Present password" value={current} onChange={setCurrent} />
        ) : null}
        <PasswordField isNew label="New password" value={next} onChange={setNext} />
        <Button type="submit" look="quiet" className="justify-self-start" busy={save.busy}>
          {hasPassword ? "Change the password" : "Set a password"}
        </Button>
      </form>
      {save.dialog}
    </Card>
  );
}
