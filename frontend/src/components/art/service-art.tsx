import type { ServiceType } from "@/api/generated";
import { cn } from "@/lib/cn";

type Palette = { sky: string; sun: string; near: string; middle: string; far: string };

const PALETTES: Record<ServiceType, Palette> = {
  session: { sky: "#dcebe7", sun: "#f4c58a", near: "#17615e", middle: "#4c918a", far: "#9cc6bd" },
  workshop: { sky: "#f7e4d3", sun: "#e58f65", near: "#8c4a32", middle: "#bf7a57", far: "#e3b394" },
  course: { sky: "#e4e9dc", sun: "#f2d28c", near: "#3e5f3c", middle: "#71905f", far: "#b0c399" },
  package: { sky: "#e6e2ee", sun: "#f3c2b0", near: "#4c4674", middle: "#7f78a6", far: "#b8b2d1" },
  bundle: { sky: "#f6ead0", sun: "#eda95c", near: "#7b5a1e", middle: "#b18a3d", far: "#dcc07d" },
};

/** Numbers between 0 and 1 that are always the same for the same seed (FNV-1a, then mulberry32). */
function numbersFrom(seed: string): () => number {
  let state = 2166136261;
  for (const letter of seed) state = Math.imul(state ^ letter.charCodeAt(0), 16777619);
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

function bank(base: number, swing: number, next: () => number): string {
  const points = [0, 1, 2, 3, 4].map((step) => ({ x: step * 100, y: base + (next() - 0.5) * swing }));
  const curves = points.slice(1).map((point, index) => {
    const before = points[index] ?? point;
    const middle = (before.x + point.x) / 2;
    return `C${middle} ${before.y.toFixed(1)} ${middle} ${point.y.toFixed(1)} ${point.x} ${point.y.toFixed(1)}`;
  });
  return `M0 ${points[0]?.y.toFixed(1)}${curves.join("")}V240H0Z`;
}

/** Suns over the water: their number and shape tell the service types apart, besides the colour. */
function Suns({ type, palette, next }: { type: ServiceType; palette: Palette; next: () => number }) {
  const x = 120 + next() * 220;
  const y = 84 + next() * 22;
  const rings = { session: 1, workshop: 3, course: 5, package: 3, bundle: 4 }[type];
  if (type === "session") return <circle cx={x} cy={y} r="27" fill={palette.sun} />;
  if (type === "workshop") {
    return (
      <g fill="none" stroke={palette.sun} strokeWidth="5">
        {[12, 24, 36].slice(0, rings).map((radius) => (
          <circle key={radius} cx={x} cy={y} r={radius} opacity={1.2 - radius / 45} />
        ))}
      </g>
    );
  }
  return (
    <g fill={palette.sun}>
      {Array.from({ length: rings }, (_, index) => index).map((index) => (
        <circle
          key={index}
          cx={x - rings * 16 + index * (type === "package" ? 26 : 34)}
          cy={y + (type === "course" ? 18 - index * 8 : Math.sin(index * 1.6) * 8)}
          r={type === "package" ? 22 : 11}
          opacity={type === "package" ? 0.55 : 0.95}
        />
      ))}
    </g>
  );
}

/** A drawing of a river mouth: the service type sets its colours, the seed the shape of its banks. */
export function ServiceArt({
  type,
  seed,
  className,
}: {
  type: ServiceType;
  seed: string;
  className?: string;
}) {
  const palette = PALETTES[type];
  const next = numbersFrom(seed);
  return (
    <svg
      aria-hidden="true"
      viewBox="0 0 400 240"
      preserveAspectRatio="xMidYMid slice"
      className={cn("block size-full", className)}
    >
      <rect width="400" height="240" fill={palette.sky} />
      <Suns type={type} palette={palette} next={next} />
      <path d={bank(142, 52, next)} fill={palette.far} />
      <path d={bank(168, 48, next)} fill={palette.middle} />
      <path d={bank(196, 34, next)} fill={palette.near} />
    </svg>
  );
}
