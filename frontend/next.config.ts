import type { NextConfig } from "next";

/** The pages are files that Django serves beside its API, on one origin; `next dev` passes the API's addresses on. */
const dev = process.env.NODE_ENV === "development";
const backend = process.env.ESTUARY_BACKEND ?? "http://localhost:8000";

const config: NextConfig = {
  trailingSlash: true,
  images: { unoptimized: true },
  poweredByHeader: false,
  reactStrictMode: true,
  typescript: { ignoreBuildErrors: true }, // `npm run types` looks at them, and who builds waits for no second look
  ...(dev
    ? {
        skipTrailingSlashRedirect: true,
        rewrites: async () => [
          { source: "/api/:path*/", destination: `${backend}/api/:path*/` },
          { source: "/api/:path*", destination: `${backend}/api/:path*` },
          { source: "/_allauth/:path*", destination: `${backend}/_allauth/:path*` },
        ],
      }
    : { output: "export" as const }),
};

export default config;
