// What a view shows of the server, kept up to date while the view is open.

import { useSignalEffect } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { get, type Query } from "./api";
import { browserClock, Feed, PAUSE } from "./feed";
import { revision } from "./live";
import { queryText } from "./place";

export interface Resource<T> {
  data: T | null;
  error: Error | null;
  /** The data are of an earlier question, and those asked for are on their way. */
  stale: boolean;
  refresh: () => void;
}

interface Known<T> {
  key: string;
  data: T | null;
  error: Error | null;
}

/**
 * The answer to a GET, asked for anew when something has changed, at most once in `pause`
 * milliseconds; old data stay until then.
 */
export function useResource<T>(path: string, query: Query = {}, pause = PAUSE): Resource<T> {
  const key = `${path}?${queryText(query)}`;
  const [known, setKnown] = useState<Known<T>>({ key, data: null, error: null });
  const feed = useRef<Feed<T> | null>(null);

  useEffect(() => {
    const asked = new Feed<T>(
      (signal) => get<T>(path, query, signal),
      (data) => setKnown({ key, data, error: null }),
      (error) => setKnown((before) => ({ key, data: before.key === key ? before.data : null, error })),
      browserClock,
      pause,
    );
    feed.current = asked;
    asked.askNow();
    return () => asked.stop();
  }, [key]);

  const seen = useRef(revision.peek());
  useSignalEffect(() => {
    if (revision.value === seen.current || document.hidden) return;
    seen.current = revision.value;
    feed.current?.ask();
  });

  return {
    data: known.data,
    error: known.error,
    stale: known.key !== key,
    refresh: () => feed.current?.askNow(),
  };
}
