"use client";
import { Menu } from "@base-ui/react/menu";
import { useRouter } from "next/navigation";
import { type Account, signOut } from "@/api/session";
import { MAIN_LINKS, PRACTITIONER_LINKS } from "./navigation";

const ITEM =
  "flex min-h-11 w-full cursor-pointer items-center rounded-xl px-4 py-2 text-left outline-none data-highlighted:bg-mist";

export function AccountMenu({ account }: { account: Account }) {
  const router = useRouter();
  const leave = async () => {
    await signOut().catch(() => undefined);
    router.push("/");
  };
  return (
    <Menu.Root modal={false}>
      <Menu.Trigger className="grid size-11 place-items-center rounded-full bg-tide font-semibold text-lg text-white uppercase">
        <span className="sr-only normal-case">Your account, {account.email}</span>
        <span aria-hidden="true">{account.name.slice(0, 1)}</span>
      </Menu.Trigger>
      <Menu.Portal>
        <Menu.Positioner align="end" sideOffset={8} className="z-50">
          <Menu.Popup className="w-64 rounded-2xl border border-line bg-card p-2 shadow-lift outline-none">
            <p className="truncate px-4 py-2 text-base text-soft">{account.email}</p>
            {MAIN_LINKS.map(({ href, label }) => (
              <Menu.Item key={href} className={`${ITEM} md:hidden`} onClick={() => router.push(href)}>
                {label}
              </Menu.Item>
            ))}
            <Menu.Item className={ITEM} onClick={() => router.push("/profile/")}>
              Your profile
            </Menu.Item>
            {(account.practitioner ? PRACTITIONER_LINKS : []).map(({ href, label }) => (
              <Menu.Item key={href} className={ITEM} onClick={() => router.push(href)}>
                {label}
              </Menu.Item>
            ))}
            <Menu.Separator className="my-1 h-px bg-line" />
            <Menu.Item className={ITEM} onClick={leave}>
              Sign out
            </Menu.Item>
          </Menu.Popup>
        </Menu.Positioner>
      </Menu.Portal>
    </Menu.Root>
  );
}
