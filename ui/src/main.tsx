// The page: which view the address names, inside the shell.

import "../styles/index.css";
import { render } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { watchKeys } from "./keys";
import { listen, stats } from "./live";
import { Empty, Failure } from "./parts/states";
import { place, watchPlace } from "./place";
import { get } from "./api";
import type { Stats } from "./answers";
import { loadSession } from "./session";
import { Shell } from "./shell";
import { watchTips } from "./tips";
import { resolve } from "./views";
import { AuditView } from "./views/audit";
import { FailuresView } from "./views/failures";
import { JobView } from "./views/job";
import { JobsView } from "./views/jobs";
import { OverviewView } from "./views/overview";
import { QueuesView } from "./views/queues";
import { SchedulesView } from "./views/schedules";
import { TypesView } from "./views/types";
import { WorkersView } from "./views/workers";

function App() {
  const { path } = place.value;
  const found = resolve(path);
  const first = useRef(true);
  useEffect(() => {
    document.title = found ? `${found.id ?? found.view.title} · Soniq` : "Not found · Soniq";
    // Keyboard and screen reader go on from the new view's heading; not on the first load.
    if (!first.current) document.querySelector<HTMLElement>("main h1")?.focus({ preventScroll: true });
    first.current = false;
  }, [path]);
  return <Shell>{found ? <Current path={found.view.path} id={found.id} /> : <Nowhere />}</Shell>;
}

function Current({ path, id }: { path: string; id: string | null }) {
  if (id !== null) return <JobView key={id} id={id} among={path} />;
  switch (path) {
    case "jobs":
      return <JobsView />;
    case "queues":
      return <QueuesView />;
    case "failures":
      return <FailuresView />;
    case "schedules":
      return <SchedulesView />;
    case "workers":
      return <WorkersView />;
    case "types":
      return <TypesView />;
    case "audit":
      return <AuditView />;
    default:
      return <OverviewView />;
  }
}

function Nowhere() {
  return (
    <>
      <h1 tabIndex={-1}>Not found</h1>
      <Empty icon="info" title="There is no such page">
        <a href="./">Go to the overview</a>
      </Empty>
    </>
  );
}

async function begin(): Promise<void> {
  const root = document.getElementById("app");
  if (!root) throw new Error("the page has no element with id app");
  try {
    await loadSession();
  } catch (error) {
    render(
      <main>
        <h1>Soniq</h1>
        <Failure error={error as Error} retry={() => location.reload()} />
      </main>,
      root,
    );
    return;
  }
  watchPlace();
  watchKeys();
  watchTips();
  listen();
  render(<App />, root);
  // Events bring the numbers when they change; these are the ones to begin with.
  stats.value ??= await get<Stats>("api/stats").catch(() => null);
}

void begin();
