// One job, alive or given up: what it was asked to do, what became of it, and what can be done.

import type { ComponentChildren } from "preact";
import type { DeadLetter, Job, Told } from "../answers";
import { ApiError, send } from "../api";
import { plural } from "../format/number";
import { ask, attempt, tell } from "../parts/ask";
import { link } from "../parts/controls";
import { Icon } from "../parts/icon";
import { JsonView } from "../parts/json_view";
import { Empty, Shown } from "../parts/states";
import { reasonWord, shownStatus, StatusMark } from "../parts/status";
import { LongText, Said } from "../parts/text";
import { WhenInFull } from "../parts/when";
import { go } from "../place";
import { useResource } from "../resource";
import { mayWrite } from "../session";
import { Heading } from "../shell";
import { Timeline } from "./timeline";

export function JobView({ id, among }: { id: string; among: string }) {
  const source = among === "failures" ? "api/dead-letter" : "api/jobs";
  const job = useResource<Job | DeadLetter>(`${source}/${encodeURIComponent(id)}`);
  // To those who may change dead letters the server answers 400 for one it does not know.
  if (job.error instanceof ApiError && [400, 404].includes(job.error.status)) return <Gone id={id} among={among} />;
  return (
    <Shown of={job} rows={8}>
      {(known) => <Known job={known} refresh={job.refresh} among={among} />}
    </Shown>
  );
}

function Gone({ id, among }: { id: string; among: string }) {
  return (
    <>
      <Heading title="Job not found" />
      <Empty icon="info" title="This job is not stored any more">
        <bdi class="mono">{id}</bdi>
        <br />
        It was deleted, or kept as long as results are. <a href={link(among)}>Back to the list</a>
      </Empty>
    </>
  );
}

function Known({ job, refresh, among }: { job: Job | DeadLetter; refresh: () => void; among: string }) {
  return (
    <article class="job">
      <p class="crumb">
        <a href={link(among)}>{among === "failures" ? "Failures" : "Jobs"}</a>
      </p>
      <Heading title={<Said>{job.job_name}</Said>}>
        {mayWrite.value && <Actions job={job} refresh={refresh} />}
      </Heading>
      <p class="job-id">
        <StatusMark status={shownStatus(job)} />
        <code>{job.id}</code>
        <Copy text={job.id} what="id" />
      </p>
      <div class="job-columns">
        <div>
          {job.last_error && (
            <Section title={job.dead_letter_reason ? `Error: ${reasonWord(job.dead_letter_reason)}` : "Last error"}>
              <LongText text={job.last_error} label="Error text" error />
            </Section>
          )}
          <Section title="Arguments" side={<Copy text={() => JSON.stringify(job.args, null, 2)} what="arguments" />}>
            <JsonView value={job.args} />
          </Section>
          {job.result !== null && (
            <Section title="Result" side={<Copy text={() => JSON.stringify(job.result, null, 2)} what="result" />}>
              <JsonView value={job.result} />
            </Section>
          )}
        </div>
        <div>
          <Section title="Timeline">
            <Timeline job={job} />
          </Section>
          <Section title="Facts">
            <Facts job={job} />
          </Section>
        </div>
      </div>
    </article>
  );
}

function Section({ title, side, children }: {
  title: string;
  side?: ComponentChildren;
  children: ComponentChildren;
}) {
  return (
    <section>
      <div class="section-head">
        <h2>{title}</h2>
        {side}
      </div>
      {children}
    </section>
  );
}

function Facts({ job }: { job: Job | DeadLetter }) {
  return (
    <dl class="facts">
      <Fact word="Queue">
        <a href={link("jobs", { queue: job.queue })}>
          <Said>{job.queue}</Said>
        </a>
      </Fact>
      <Fact word="Attempts">
        {job.attempts} of {job.max_attempts}
      </Fact>
      {job.crashes > 0 && <Fact word="Crashes">{plural(job.crashes, "worker")} died with it</Fact>}
      <Fact word="Priority">{job.priority}</Fact>
      <Fact word="Same job name">
        <a href={link("jobs", { job_name: job.job_name })}>All of them</a>
      </Fact>
      {job.dedup_key && (
        <Fact word="Dedup key">
          <bdi class="mono">{job.dedup_key}</bdi>
        </Fact>
      )}
      {job.worker_id && (
        <Fact word="Worker">
          <bdi class="mono">{job.worker_id}</bdi>
        </Fact>
      )}
      {job.producer_id && (
        <Fact word="Producer">
          <bdi class="mono">{job.producer_id}</bdi>
        </Fact>
      )}
      {"resurrection_count" in job && <Replays letter={job} />}
      <Fact word="Changed">
        <WhenInFull at={job.updated_at} />
      </Fact>
    </dl>
  );
}

function Replays({ letter }: { letter: DeadLetter }) {
  return (
    <>
      <Fact word="Replayed">
        {letter.resurrection_count === 0 ? "never" : plural(letter.resurrection_count, "time")}
        {letter.last_resurrection_job_id && (
          <>
            {", last as "}
            <a class="mono" href={`jobs/${encodeURIComponent(letter.last_resurrection_job_id)}`}>
              {letter.last_resurrection_job_id.slice(-8)}
            </a>
          </>
        )}
      </Fact>
      {letter.tags.length > 0 && (
        <Fact word="Tags">
          <bdi>{letter.tags.join(", ")}</bdi>
        </Fact>
      )}
    </>
  );
}

function Fact({ word, children }: { word: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{word}</dt>
      <dd>{children}</dd>
    </div>
  );
}

function Copy({ text, what }: { text: string | (() => string); what: string }) {
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(typeof text === "string" ? text : text());
      tell(`Copied the ${what}.`);
    } catch {
      tell("The browser does not let this page copy. Select the text instead.", true);
    }
  };
  // Browsers offer the clipboard to secure addresses only.
  if (!navigator.clipboard) return null;
  return (
    <button type="button" class="bare" aria-label={`Copy the ${what}`} data-tip={`Copy the ${what}`} onClick={copy}>
      <Icon name="copy" />
    </button>
  );
}

function Actions({ job, refresh }: { job: Job; refresh: () => void }) {
  const path = encodeURIComponent(job.id);
  if (job.status === "dead_letter") return <DeadLetterActions job={job} refresh={refresh} />;
  return (
    <>
      {(job.status === "queued" || job.status === "processing") && (
        <button
          type="button"
          onClick={async () => {
            const running = job.status === "processing";
            const sure = await ask({
              title: "Cancel this job?",
              text: running ? "It is running and will be told to stop." : "It will not run.",
              action: "Cancel the job",
              danger: true,
            });
            if (sure) await attempt(() => send<Told>("POST", `api/jobs/${path}/cancel`), refresh);
          }}
        >
          <Icon name="stop" /> Cancel
        </button>
      )}
      <button
        type="button"
        onClick={async () => {
          const sure = await ask({
            title: "Delete this job?",
            text: "Its arguments and its result are gone for good.",
            action: "Delete",
            danger: true,
          });
          if (sure && (await attempt(() => send<Told>("DELETE", `api/jobs/${path}`)))) go("jobs");
        }}
      >
        <Icon name="trash" /> Delete
      </button>
    </>
  );
}

function DeadLetterActions({ job, refresh }: { job: Job; refresh: () => void }) {
  const path = `api/dead-letter/${encodeURIComponent(job.id)}`;
  return (
    <>
      <button
        type="button"
        class="primary"
        onClick={async () => {
          const replay = async () => {
            const told = await send<Told>("POST", `${path}/replay`);
            if (told.job_id) go(`jobs/${encodeURIComponent(told.job_id)}`);
            return told;
          };
          await attempt(replay, refresh);
        }}
      >
        <Icon name="replay" /> Replay
      </button>
      <button
        type="button"
        onClick={async () => {
          const sure = await ask({
            title: "Delete this dead letter?",
            text: "It cannot be replayed afterwards.",
            action: "Delete",
            danger: true,
          });
          if (sure && (await attempt(() => send<Told>("DELETE", path)))) go("failures");
        }}
      >
        <Icon name="trash" /> Delete
      </button>
    </>
  );
}
