// A chart over time. uPlot draws it; this decides how it looks and says in words what it shows.

import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import { theme } from "../theme";

export interface Line {
  name: string;
  /** The name of a colour among the page's custom properties. */
  colour: string;
  values: (number | null)[];
  shape?: "line" | "area" | "bars";
}

export interface ChartProps {
  title: string;
  unit?: string;
  /** Seconds since the epoch. */
  times: number[];
  lines: readonly Line[];
  word: (value: number | null | undefined) => string;
  /** Seconds the chart spans, from now back. */
  span: number;
  /** Of things that are counted: half a one is not marked on the axis. */
  counts?: boolean;
  /** What to say where nothing is known. */
  missing?: string;
}

const HEIGHT = 148;
const DAY = 86_400;
const WHOLE_STEPS = Array.from({ length: 10 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat();

export function Chart(props: ChartProps) {
  const { title, unit, times, lines, word } = props;
  const room = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [at, setAt] = useState<number | null>(null);
  const scheme = useScheme();
  const shapes = lines.map((line) => line.name).join();

  useEffect(() => {
    const element = room.current;
    if (!element) return;
    const made = new uPlot(options(props, element, setAt), series(times, lines), element);
    plot.current = made;
    const watcher = new ResizeObserver(() => {
      made.setSize({ width: Math.max(element.clientWidth, 120), height: HEIGHT });
    });
    watcher.observe(element);
    // A canvas keeps the letters it was painted with, also when their typeface comes later.
    void document.fonts.ready.then(() => plot.current === made && made.redraw());
    return () => {
      watcher.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [scheme, shapes, props.span]);

  useEffect(() => plot.current?.setData(series(times, lines)), [times, lines]);

  const index = at ?? lastKnown(lines);
  const shownAt = at === null ? null : times[at];
  return (
    <figure class="chart">
      <figcaption>
        <h3>
          {title} {unit && <span class="quiet">{unit}</span>}
        </h3>
        <span class="quiet chart-at">{shownAt ? clock(shownAt, props.span) : ""}</span>
        <dl class="readout">
          {lines.map((line) => (
            <div key={line.name}>
              <dt class={`key key-${line.colour}`}>{line.name}</dt>
              <dd>{word(index === null ? null : line.values[index])}</dd>
            </div>
          ))}
        </dl>
      </figcaption>
      <div ref={room} class="plot" role="img" aria-label={summary(props)} />
      {lastKnown(lines) === null && <p class="plot-missing quiet">{props.missing ?? "Nothing in this period."}</p>}
    </figure>
  );
}

function series(times: number[], lines: readonly Line[]): uPlot.AlignedData {
  return [times, ...lines.map((line) => line.values)];
}

function lastKnown(lines: readonly Line[]): number | null {
  for (let index = (lines[0]?.values.length ?? 0) - 1; index >= 0; index -= 1) {
    if (lines.some((line) => line.values[index] != null)) return index;
  }
  return null;
}

function summary({ title, unit, lines, word }: ChartProps): string {
  const said = lines.map(({ name, values }) => {
    const known = values.filter((value): value is number => value !== null);
    if (known.length === 0) return `${name}: no data`;
    const last = known[known.length - 1];
    return `${name}: last ${word(last)}, highest ${word(Math.max(...known))}`;
  });
  return `${title}${unit ? `, ${unit}` : ""}. ${said.join("; ")}.`;
}

function options(props: ChartProps, element: HTMLElement, hovered: (index: number | null) => void): uPlot.Options {
  const colour = colourIn(element);
  const axis: uPlot.Axis = {
    stroke: colour("text-quiet"),
    font: `11px ${getComputedStyle(element).fontFamily}`,
    grid: { stroke: colour("line-soft"), width: 1 },
    ticks: { show: false },
    gap: 6,
  };
  return {
    width: Math.max(element.clientWidth, 120),
    height: HEIGHT,
    legend: { show: false },
    padding: [8, 16, 0, 0],
    cursor: {
      sync: { key: "soniq", setSeries: false },
      points: { size: 6 },
      drag: { x: false, y: false },
      y: false,
    },
    hooks: { setCursor: [(plot) => hovered(plot.cursor.idx ?? null)] },
    scales: {
      x: { time: true },
      y: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.08 : 1] },
    },
    axes: [
      { ...axis, grid: { show: false }, size: 26, space: 64, values: (_plot, splits) => splits.map((at) => clock(at, props.span)) },
      { ...axis, size: 46, space: 36, ...(props.counts ? { incrs: WHOLE_STEPS } : {}), values: (_plot, splits) => splits.map((value) => props.word(value)) },
    ],
    series: [{}, ...props.lines.map((line) => drawn(line, colour))],
  };
}

/** The page's colours as they are in the scheme of the moment: a canvas knows no custom properties. */
function colourIn(element: HTMLElement): (name: string) => string {
  return (name) => {
    element.style.color = `var(--${name})`;
    const { color } = getComputedStyle(element);
    element.style.color = "";
    return color;
  };
}

function drawn(line: Line, colour: (name: string) => string): uPlot.Series {
  const stroke = colour(line.colour);
  const shared: uPlot.Series = { label: line.name, stroke, width: 1.5, points: { show: false } };
  if (line.shape === "bars") {
    const bars = uPlot.paths.bars;
    return { ...shared, width: 0, fill: stroke, ...(bars ? { paths: bars({ size: [0.7, 24], radius: 0.1 }) } : {}) };
  }
  if (line.shape === "area") return { ...shared, fill: colour(`${line.colour}-wash`) };
  return shared;
}

function clock(at: number, span: number): string {
  const date = new Date(at * 1000);
  return (span > 2 * DAY ? DATE : TIME).format(date);
}

const TIME = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const DATE = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

/** Changes when the page's colours do: a canvas has to be painted again. */
function useScheme(): string {
  const system = matchMedia("(prefers-color-scheme: dark)");
  const [dark, setDark] = useState(system.matches);
  useEffect(() => {
    const follow = () => setDark(system.matches);
    system.addEventListener("change", follow);
    return () => system.removeEventListener("change", follow);
  }, []);
  return `${theme.value}-${dark}`;
}
