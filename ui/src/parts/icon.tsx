// Small line drawings. They stand beside words and are silent to screen readers.

const PATHS = {
  overview: "M2.5 9.5h2.6l1.7-5 2.7 8 1.8-5.2.7 2.2h1.5",
  jobs: "M3 4.5h10M3 8h10M3 11.5h6.5",
  queues: "M3 3.5h10v3H3zM3 9.5h10v3H3z",
  failures: "M8 2.8 14 13H2zM8 6.6v3M8 11.2v.1",
  schedules: "M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11zM8 5v3.2l2.2 1.3",
  workers: "M4.5 4.5h7v7h-7zM6.5 2v2.5M9.5 2v2.5M6.5 11.5V14M9.5 11.5V14M2 6.5h2.5M2 9.5h2.5M11.5 6.5H14M11.5 9.5H14",
  types: "M8 2.2 13 5v6l-5 2.8L3 11V5zM3 5l5 2.8L13 5M8 7.8v6",
  audit: "M4 2.5h6l2.5 2.5v8.5H4zM6.2 7.5h4M6.2 10h4",
  queued: "M8 3a5 5 0 1 1 0 10A5 5 0 0 1 8 3z",
  scheduled: "M8 3a5 5 0 1 1 0 10A5 5 0 0 1 8 3zM8 5.5V8l1.7 1",
  done: "m3.5 8.4 3 3 6-6.6",
  cancelled: "M8 3a5 5 0 1 1 0 10A5 5 0 0 1 8 3zM4.6 11.4l6.8-6.8",
  dead: "m4.2 4.2 7.6 7.6M11.8 4.2l-7.6 7.6",
  warning: "M8 2.8 14 13H2zM8 6.6v3M8 11.2v.1",
  info: "M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11zM8 7.5v3.3M8 5.2v.1",
  search: "M7 3a4 4 0 1 1 0 8 4 4 0 0 1 0-8zM10 10l3.2 3.2",
  sun: "M8 5.5a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5zM8 1.8v1.4M8 12.8v1.4M1.8 8h1.4M12.8 8h1.4M3.6 3.6l1 1M11.4 11.4l1 1M12.4 3.6l-1 1M4.6 11.4l-1 1",
  moon: "M12.8 9.6A5.3 5.3 0 0 1 6.4 3.2a5.3 5.3 0 1 0 6.4 6.4z",
  system: "M2.5 3.5h11v7.5h-11zM6 13.5h4",
  replay: "M3.5 8a4.5 4.5 0 1 0 1.4-3.2L3.5 6.1M3.5 3v3.1h3.1",
  trash: "M3 4.5h10M6.5 4.5v-1.5h3v1.5M4.5 4.5l.6 8.5h5.8l.6-8.5",
  stop: "M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11zM6.2 6.2h3.6v3.6H6.2z",
  pause: "M5.8 4v8M10.2 4v8",
  play: "M5.5 3.8v8.4l6.5-4.2z",
  copy: "M5.5 5.5h7v7h-7zM3.5 10.5v-7h7",
  chevron: "m6 4 4 4-4 4",
  close: "m4.2 4.2 7.6 7.6M11.8 4.2l-7.6 7.6",
  keyboard: "M2 4.5h12v7H2zM4.5 7h.1M6.8 7h.1M9.1 7h.1M11.4 7h.1M5.5 9.3h5",
  out: "M9.5 3H4v10h5.5M7 8h6.5M11 5.5 13.5 8 11 10.5",
} as const;

export type IconName = keyof typeof PATHS | "processing";

export function Icon({ name }: { name: IconName }) {
  return (
    <svg class={`icon icon-${name}`} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      {name === "processing" ? <Half /> : <path d={PATHS[name]} />}
    </svg>
  );
}

function Half() {
  return (
    <>
      <path d="M8 3a5 5 0 1 1 0 10A5 5 0 0 1 8 3z" />
      <path class="filled" d="M8 3a5 5 0 0 1 0 10z" />
    </>
  );
}
