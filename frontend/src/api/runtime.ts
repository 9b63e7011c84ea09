import type { CreateClientConfig } from "./generated/client";
import { recordServerTime } from "./server-clock";
import { accessToken, refreshAccess } from "./session";

/** Sends a request. When the access token has expired, renews the token and sends the request retry. */
async function send(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const request = new Request(input, init);
  const retry = request.clone();
  try {
    const response = await fetch(request);
    recordServerTime(response);
    if (response.status !== 401) return response;
    const renewed = await refreshAccess(bearerOf(request));
    if (!renewed) return response;
    retry.headers.set("Authorization", `Bearer ${renewed}`);
    return await fetch(retry);
  } catch (error) {
    if (request.signal.aborted) throw error;
    return unreachable();
  }
}

function bearerOf(request: Request): string | null {
  return request.headers.get("Authorization")?.replace(/^Bearer /, "") ?? null;
}

function unreachable(): Response {
  const body = {
    code: "unreachable",
    detail: "Estuary can't be reached. Check your connection and try again.",
  };
  return new Response(JSON.stringify(body), {
    status: 503,
    headers: { "Content-Type": "application/problem+json" },
  });
}

export const createClientConfig: CreateClientConfig = (config) => ({
  ...config,
  baseUrl: "",
  auth: async () => (await accessToken()) ?? "",
  fetch: send as typeof fetch,
});
