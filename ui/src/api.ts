// Asks the server. Addresses are relative to the page's base, wherever the app is mounted.

import { loginPath, url } from "./place";

export type Query = Record<string, string | number | boolean | null | undefined>;

export class ApiError extends Error {
  constructor(
    readonly status: number,
    message: string,
  ) {
    super(message);
  }
}

export async function get<T>(path: string, query: Query = {}, signal?: AbortSignal): Promise<T> {
  return ask<T>(path, query, signal ? { signal } : {});
}

export async function send<T>(method: "POST" | "DELETE", path: string, body?: unknown): Promise<T> {
  return ask<T>(path, {}, {
    method,
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body ?? {}),
  });
}

async function ask<T>(path: string, query: Query, init: RequestInit): Promise<T> {
  let answer: Response;
  try {
    answer = await fetch(url(path, query), { credentials: "same-origin", cache: "no-store", ...init });
  } catch (error) {
    if (init.signal?.aborted) throw error;
    throw new ApiError(0, "The server cannot be reached. It is tried again by itself.");
  }
  if (answer.status === 401) {
    location.assign(loginPath(location));
    throw new ApiError(401, "Signed out.");
  }
  if (!answer.ok) throw new ApiError(answer.status, await detail(answer));
  return (await answer.json()) as T;
}

async function detail(answer: Response): Promise<string> {
  try {
    const body = (await answer.json()) as { detail?: unknown };
    if (typeof body.detail === "string" && body.detail) return body.detail;
  } catch {
    // No JSON: a proxy answered in the server's place.
  }
  return `The server answered ${answer.status}.`;
}
