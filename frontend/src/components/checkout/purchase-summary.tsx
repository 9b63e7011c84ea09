import Link from "next/link";
import { ServiceArt } from "@/components/art/service-art";
import { Waves } from "@/components/art/waves";
import { ServiceData } from "@/components/ui/service-data";
import { cn } from "@/lib/cn";
import { formatMoney } from "@/lib/money";
import type { Purchase } from "./purchase";

export function PurchaseSummary({ purchase, className }: { purchase: Purchase; className?: string }) {
  return (
    <section
      aria-label="What you buy"
      className={cn("overflow-hidden rounded-3xl border border-line bg-card lg:self-start", className)}
    >
      <div className="hidden h-28 sm:block">
        {purchase.type === "credits" ? (
          <div className="grid h-full place-items-center bg-mist">
            <Waves className="h-9 w-24 text-tide" />
          </div>
        ) : (
          <ServiceArt type={purchase.type} seed={purchase.seed} />
        )}
      </div>
      <div className="p-5">
        <h2 className="font-display text-heading leading-snug">{purchase.title}</h2>
        <p className="text-base text-soft">{purchase.detail}</p>
        {purchase.when ? <p className="mt-3 font-semibold">{purchase.when}</p> : null}
        {purchase.times.length > 0 ? (
          <ul className="mt-3 grid gap-1">
            {purchase.times.map((time) => (
              <li key={time} className="font-semibold">
                {time}
              </li>
            ))}
          </ul>
        ) : null}
        {purchase.later ? <p className="mt-3">{purchase.later}</p> : null}
        {Object.keys(purchase.sentAlong).length > 0 ? (
          <>
            <h3 className="mt-4 font-semibold">Sent with your order</h3>
            <ServiceData data={purchase.sentAlong} className="mt-1" />
          </>
        ) : null}
        <p className="tabular mt-4 flex items-baseline justify-between border-line border-t pt-4">
          <span>Total</span>
          <span className="font-display text-2xl">{formatMoney(purchase.amount, purchase.currency)}</span>
        </p>
        <Link
          href={purchase.back}
          className="mt-1 inline-flex min-h-11 items-center text-base text-tide underline underline-offset-4"
        >
          Change
        </Link>
      </div>
    </section>
  );
}
