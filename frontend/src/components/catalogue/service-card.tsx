import { Clock, type LucideIcon, MapPin } from "lucide-react";
import Link from "next/link";
import type { Service } from "@/api/generated";
import { ServiceArt } from "@/components/art/service-art";
import { Badge } from "@/components/ui/badge";
import { useCurrencies } from "@/lib/currency";
import { formatMoney } from "@/lib/money";
import { priceOf } from "@/lib/price";
import { SERVICE_TYPES } from "@/lib/service-types";
import { formatDuration } from "@/lib/time";

export function ServiceCard({ service }: { service: Service }) {
  const price = priceOf(service, useCurrencies());
  return (
    <Link
      href={`/services/?id=${service.id}`}
      className="group flex w-full flex-col overflow-hidden rounded-3xl border border-line bg-card transition-shadow hover:shadow-lift"
    >
      <div className="relative h-36 overflow-hidden">
        <ServiceArt
          type={service.type}
          seed={service.slug}
          className="transition-transform duration-500 group-hover:scale-105"
        />
        <Badge className="absolute top-3 left-3 bg-card/95 text-ink">{SERVICE_TYPES[service.type].one}</Badge>
      </div>
      <div className="flex flex-1 flex-col p-5">
        <h3 className="font-display text-heading leading-snug">{service.name}</h3>
        <p className="mt-0.5 text-base text-soft">with {service.practitioner.name}</p>
        <p className="mt-2.5 flex-1 text-base leading-relaxed">{service.summary}</p>
        <dl className="mt-4 flex flex-wrap gap-x-4 gap-y-1 text-base text-soft">
          <Trait name="Length" Icon={Clock} value={lengthOf(service)} />
          <Trait name="Place" Icon={MapPin} value={service.location ?? ""} />
        </dl>
        <div className="mt-4 flex items-center justify-between border-line border-t pt-4">
          <span className="tabular font-semibold text-lg">
            {price ? formatMoney(price.amount, price.currency) : ""}
          </span>
          {service.on_sale ? (
            <span aria-hidden="true" className="font-semibold text-tide group-hover:underline">
              See more
            </span>
          ) : (
            <Badge tone="wait">Not on sale</Badge>
          )}
        </div>
      </div>
    </Link>
  );
}

function Trait({ name, Icon, value }: { name: string; Icon: LucideIcon; value: string }) {
  if (!value) return null;
  return (
    <div className="flex min-w-0 items-center gap-1.5">
      <dt>
        <Icon aria-hidden="true" className="size-4" />
        <span className="sr-only">{name}</span>
      </dt>
      <dd className="truncate">{value}</dd>
    </div>
  );
}

function lengthOf(service: Service): string {
  if (service.type === "package") return "Several services";
  const each = formatDuration(service.duration_min ?? 60);
  return service.type === "course" || service.type === "bundle" ? `${each} each time` : each;
}
