"use client";
import { RequireSignIn } from "@/components/auth/require-sign-in";
import { Loading } from "@/components/ui/loading";
import { LoadError } from "@/components/ui/notice";
import { PageTitle } from "@/components/ui/page-title";
import { DataCard } from "./data-card";
import { EmailCard } from "./email-card";
import { NameCard } from "./name-card";
import { PasswordCard } from "./password-card";
import { ReceiptsCard } from "./receipts-card";
import { useProfile } from "./use-profile";

export function ProfilePage() {
  return (
    <>
      <PageTitle lead="Who you are here, how you sign in, and what your receipts say.">
        Your profile
      </PageTitle>
      <RequireSignIn why="Your profile belongs to your account.">
        <Profile />
      </RequireSignIn>
    </>
  );
}

function Profile() {
  const profile = useProfile();
  if (profile.isError) return <LoadError query={profile} />;
  if (!profile.data) return <Loading rows={4} />;
  return (
    <div className="grid max-w-2xl gap-6">
      <NameCard profile={profile.data} />
      <EmailCard profile={profile.data} />
      <PasswordCard profile={profile.data} />
      <ReceiptsCard profile={profile.data} />
      <DataCard profile={profile.data} />
    </div>
  );
}
