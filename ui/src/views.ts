// The views there are: their paths, their names, and the letter that follows g.

import type { IconName } from "./parts/icon";

export interface View {
  path: string;
  title: string;
  key: string;
  icon: IconName;
}

export const VIEWS: readonly View[] = [
  { path: "", title: "Overview", key: "o", icon: "overview" },
  { path: "jobs", title: "Jobs", key: "j", icon: "jobs" },
  { path: "queues", title: "Queues", key: "q", icon: "queues" },
  { path: "failures", title: "Failures", key: "f", icon: "failures" },
  { path: "schedules", title: "Schedules", key: "s", icon: "schedules" },
  { path: "workers", title: "Workers", key: "w", icon: "workers" },
  { path: "types", title: "Job types", key: "t", icon: "types" },
  { path: "audit", title: "Audit", key: "a", icon: "audit" },
];

/** The view a path belongs to, and the id below it where there is one. */
export function resolve(path: string): { view: View; id: string | null } | null {
  const [first = "", ...rest] = path.split("/");
  const view = VIEWS.find((one) => one.path === first);
  if (!view) return null;
  if (rest.length === 0) return { view, id: null };
  const takesId = first === "jobs" || first === "failures";
  const id = rest[0];
  if (!takesId || rest.length > 1 || !id) return null;
  try {
    return { view, id: decodeURIComponent(id) };
  } catch {
    return null;
  }
}
