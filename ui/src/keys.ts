// The keyboard: every view and every row can be reached without a pointer.

import { signal } from "@preact/signals";
import { togglePause } from "./live";
import { go } from "./place";
import { VIEWS } from "./views";

export const helpOpen = signal(false);

const CHORD_MS = 1_200;
let chordUntil = 0;

export function watchKeys(): void {
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
    if (document.querySelector("dialog[open]")) return;
    const used = isTyping(event.target) ? whileTyping(event) : atLarge(event);
    if (used) event.preventDefault();
  });
}

function isTyping(target: EventTarget | null): boolean {
  if (!(target instanceof HTMLElement)) return false;
  if (target instanceof HTMLInputElement) return target.type !== "checkbox";
  return target.isContentEditable || target.matches("textarea, select");
}

function whileTyping(event: KeyboardEvent): boolean {
  if (event.key !== "Escape") return false;
  (event.target as HTMLElement).blur();
  return true;
}

function atLarge(event: KeyboardEvent): boolean {
  if (event.timeStamp < chordUntil) {
    chordUntil = 0;
    return openView(event.key);
  }
  switch (event.key) {
    case "g":
      chordUntil = event.timeStamp + CHORD_MS;
      return true;
    case "/":
      return focusSearch();
    case "j":
      return step(1);
    case "k":
      return step(-1);
    case "x":
      return tick();
    case "p":
      togglePause();
      return true;
    case "?":
      helpOpen.value = true;
      return true;
    case "Escape":
      (document.activeElement as HTMLElement | null)?.blur();
      return true;
    default:
      return false;
  }
}

function openView(key: string): boolean {
  const view = VIEWS.find((one) => one.key === key);
  if (view) go(view.path);
  return view !== undefined;
}

function focusSearch(): boolean {
  const box = document.querySelector<HTMLInputElement>("[data-search]");
  box?.focus();
  box?.select();
  return box !== null;
}

function step(by: 1 | -1): boolean {
  const rows = [...document.querySelectorAll<HTMLElement>("[data-row]")];
  const current = document.activeElement?.closest("[data-row]");
  const from = current ? rows.indexOf(current as HTMLElement) : by > 0 ? -1 : rows.length;
  const next = rows[Math.min(Math.max(from + by, 0), rows.length - 1)];
  const target = next?.querySelector<HTMLElement>("[data-main]") ?? next;
  target?.focus({ preventScroll: true });
  next?.scrollIntoView({ block: "nearest" });
  return next !== undefined;
}

function tick(): boolean {
  const row = document.activeElement?.closest("[data-row]");
  const box = row?.querySelector<HTMLInputElement>("input[type=checkbox]");
  box?.click();
  return box !== null && box !== undefined;
}
