// Who looks, and what they may do.

import { computed, signal } from "@preact/signals";
import { get } from "./api";
import type { Session } from "./answers";

export const session = signal<Session | null>(null);
export const mayWrite = computed(
  () => session.value !== null && session.value.writes && session.value.role === "operator",
);

export async function loadSession(): Promise<void> {
  session.value = await get<Session>("api/session");
}

/** Why nothing can be changed here, in words for whoever wants to. */
export function whyReadOnly(held: Session): string {
  if (held.signed_in_by === "host") {
    return "You are signed in as a reader. An operator may replay, cancel, pause and delete.";
  }
  if (held.signed_in_by === "open") {
    return "Changes are off. They need SONIQ_DASHBOARD_WRITE_ENABLED=1 and a key in SONIQ_DASHBOARD_API_KEY.";
  }
  return "Changes are off. SONIQ_DASHBOARD_WRITE_ENABLED=1 turns them on.";
}
