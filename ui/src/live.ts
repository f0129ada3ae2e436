// Hears from the server that something changed. What a view shows is asked for anew by the view.

import { batch, computed, signal } from "@preact/signals";
import { get } from "./api";
import { url } from "./place";
import type { Stats } from "./answers";

export type Connection = "connecting" | "live" | "reconnecting" | "paused";

export const connection = signal<Connection>("connecting");
export const revision = signal(0);
export const stats = signal<Stats | null>(null);
/** The time now, in milliseconds; moves once a second while somebody looks. */
export const now = signal(Date.now());
export const isLive = computed(() => connection.value === "live");

const FIRST_WAIT = 1_000;
const LONGEST_WAIT = 30_000;

let source: EventSource | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;
let failures = 0;
let paused = false;

export function listen(): void {
  connect();
  setInterval(() => {
    if (!document.hidden) now.value = Date.now();
  }, 1_000);
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) return;
    now.value = Date.now();
    if (connection.value === "reconnecting") connect();
    if (!paused) revision.value += 1;
  });
  // A page kept in the browser's back-forward cache must hold no connection open.
  addEventListener("pagehide", disconnect);
  addEventListener("pageshow", (event) => {
    if (event.persisted) connect();
  });
}

export function togglePause(): void {
  paused = !paused;
  if (paused) {
    disconnect();
    connection.value = "paused";
  } else {
    connection.value = "connecting";
    connect();
  }
}

/** How long to wait before the next try, in milliseconds: doubling, and never all pages at once. */
export function waitBefore(tries: number, chance: number): number {
  return Math.min(FIRST_WAIT * 2 ** tries, LONGEST_WAIT) * (0.5 + chance / 2);
}

function connect(): void {
  if (paused) return;
  disconnect();
  const opened = new EventSource(url("api/events"));
  source = opened;
  opened.onopen = () => {
    const missed = connection.value === "reconnecting" || connection.value === "connecting";
    failures = 0;
    batch(() => {
      connection.value = "live";
      if (missed) revision.value += 1;
    });
  };
  opened.addEventListener("changed", (event) => heard((event as MessageEvent<string>).data));
  // The browser's own way of connecting again gives up on an error status, so it is done here.
  opened.onerror = () => {
    disconnect();
    connection.value = "reconnecting";
    // A stream does not say why it ended. Whoever is signed out is led to the form by this answer.
    void get("api/session").catch(() => undefined);
    timer = setTimeout(connect, waitBefore(failures++, Math.random()));
  };
}

function disconnect(): void {
  clearTimeout(timer);
  source?.close();
  source = null;
}

function heard(data: string): void {
  const said = JSON.parse(data) as { stats?: Stats | null };
  batch(() => {
    if (said.stats) stats.value = said.stats;
    revision.value += 1;
  });
}
