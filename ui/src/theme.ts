// The viewer's choice of colours; without one the system's preference holds.

import { signal } from "@preact/signals";

export type Theme = "system" | "light" | "dark";

const KEY = "soniq.theme";

export function storedTheme(): Theme {
  try {
    const kept = localStorage.getItem(KEY);
    return kept === "light" || kept === "dark" ? kept : "system";
  } catch {
    return "system"; // storage is forbidden here: the choice lasts as long as the page
  }
}

export const theme = signal<Theme>(storedTheme());

export function chooseTheme(chosen: Theme): void {
  theme.value = chosen;
  applyTheme(chosen);
  try {
    if (chosen === "system") localStorage.removeItem(KEY);
    else localStorage.setItem(KEY, chosen);
  } catch {
    return;
  }
}

export function applyTheme(chosen: Theme): void {
  const root = document.documentElement;
  if (chosen === "system") delete root.dataset.theme;
  else root.dataset.theme = chosen;
}
