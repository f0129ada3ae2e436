// What stands in a view's place: while it loads, where there is nothing, and where it went wrong.

import type { ComponentChildren } from "preact";
import type { Resource } from "../resource";
import { Icon, type IconName } from "./icon";

export function Empty({ icon = "done", title, children }: {
  icon?: IconName;
  title: string;
  children?: ComponentChildren;
}) {
  return (
    <div class="empty">
      <Icon name={icon} />
      <p class="empty-title">{title}</p>
      {children && <p>{children}</p>}
    </div>
  );
}

export function Loading({ rows = 6 }: { rows?: number }) {
  return (
    <div class="loading" role="status">
      <span class="hidden">Loading</span>
      {Array.from({ length: rows }, (_, row) => (
        <div key={row} class="bone" aria-hidden="true" />
      ))}
    </div>
  );
}

export function Failure({ error, retry }: { error: Error; retry?: () => void }) {
  return (
    <div class="failure" role="alert">
      <Icon name="warning" />
      <p>{error.message}</p>
      {retry && (
        <button type="button" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

/** The data of a resource, or what stands in their place. An error hides no data one still has. */
export function Shown<T>({ of, rows, children }: {
  of: Resource<T>;
  rows?: number;
  children: (data: T) => ComponentChildren;
}) {
  if (of.data === null) {
    return of.error ? <Failure error={of.error} retry={of.refresh} /> : <Loading rows={rows ?? 6} />;
  }
  return (
    <div class={of.stale ? "stale" : ""} aria-busy={of.stale}>
      {of.error && <Failure error={of.error} retry={of.refresh} />}
      {children(of.data)}
    </div>
  );
}
