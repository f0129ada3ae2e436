// Where the page is: addresses under the base, and the view and filters that an address names.

import { signal } from "@preact/signals";
import type { Query } from "./api";

/** The mount prefix with a slash at both ends. */
export function basePath(): string {
  return new URL(document.baseURI).pathname.replace(/[^/]*$/, "");
}

export function url(path: string, query: Query = {}): string {
  const text = queryText(query);
  return basePath() + path.replace(/^\/+/, "") + (text ? `?${text}` : "");
}

/** Where to sign in, and to come back from to where one was. */
export function loginPath(from: { pathname: string; search: string }): string {
  return url("login", { next: `/${pathBelow(basePath(), from.pathname)}${from.search}` });
}

/** Query text of what is set, in the order given; empty values are left out. */
export function queryText(query: Query): string {
  const set = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== null && value !== undefined && value !== "" && value !== false) {
      set.set(name, String(value));
    }
  }
  return set.toString();
}

export interface Place {
  readonly path: string;
  readonly query: URLSearchParams;
}

/** The path below the base, without slashes at its ends. */
export function pathBelow(base: string, pathname: string): string {
  const below = pathname.startsWith(base) ? pathname.slice(base.length) : "";
  return below.replace(/^\/+|\/+$/g, "");
}

function here(): Place {
  return {
    path: pathBelow(basePath(), location.pathname),
    query: new URLSearchParams(location.search),
  };
}

export const place = signal<Place>(here());

export function go(path: string, query: Query = {}, how: "push" | "replace" = "push"): void {
  const target = url(path, query);
  if (how === "push") history.pushState(null, "", target);
  else history.replaceState(null, "", target);
  const before = place.value.path;
  place.value = here();
  if (how === "push" && before !== place.value.path) scrollTo(0, 0);
}

/** Change some filters of the current view; what is empty goes. */
export function refine(changes: Query, how: "push" | "replace" = "push"): void {
  const query: Query = Object.fromEntries(place.value.query);
  go(place.value.path, { ...query, ...changes }, how);
}

export function watchPlace(): void {
  addEventListener("popstate", () => {
    place.value = here();
  });
  document.addEventListener("click", followInside);
  document.addEventListener("click", followRow);
}

/** A click anywhere in a row leads where its name does, unless it meant something else there. */
function followRow(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0 || !(event.target instanceof Element)) return;
  if (event.target.closest("a, button, input, label, select, dialog") || getSelection()?.toString()) return;
  event.target.closest("[data-row]")?.querySelector<HTMLElement>("a[data-main]")?.click();
}

function followInside(event: MouseEvent): void {
  if (event.defaultPrevented || event.button !== 0) return;
  if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = (event.target as Element | null)?.closest?.("a[href]");
  if (!(link instanceof HTMLAnchorElement) || link.target || link.hasAttribute("data-outside")) return;
  const target = new URL(link.href);
  if (target.origin !== location.origin || !target.pathname.startsWith(basePath()) || target.hash) return;
  event.preventDefault();
  go(pathBelow(basePath(), target.pathname), Object.fromEntries(target.searchParams));
}
