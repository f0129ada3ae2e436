// All queues, a page at a time: there may be thousands.

import type { Queue } from "../answers";
import { link, refined, TextFilter } from "../parts/controls";
import { Icon } from "../parts/icon";
import { Empty, Shown } from "../parts/states";
import { place } from "../place";
import { useResource } from "../resource";
import { Heading } from "../shell";
import { QueueTable } from "./queue_table";

const PAGE = 100;

export function QueuesView() {
  const query = place.value.query.get("query");
  const offset = wholeNumber(place.value.query.get("offset"));
  // One more than is shown tells whether there is a next page.
  const queues = useResource<Queue[]>("api/queues", { query, offset, limit: PAGE + 1 });
  return (
    <>
      <Heading title="Queues" />
      <div class="filters">
        <TextFilter name="query" label="Search queues" wide />
      </div>
      <Shown of={queues} rows={8}>
        {(rows) => (
          <>
            {rows.length === 0 && query ? (
              <Empty icon="search" title="No queue matches">
                <a href={link("queues")}>Show all queues</a>
              </Empty>
            ) : (
              <QueueTable rows={rows.slice(0, PAGE)} />
            )}
            <Pages offset={offset} more={rows.length > PAGE} />
          </>
        )}
      </Shown>
    </>
  );
}

function wholeNumber(text: string | null): number {
  const number = Number.parseInt(text ?? "", 10);
  return Number.isFinite(number) && number > 0 ? number : 0;
}

function Pages({ offset, more }: { offset: number; more: boolean }) {
  if (offset === 0 && !more) return null;
  return (
    <div class="pager">
      <span class="quiet">From number {(offset + 1).toLocaleString("en")}</span>
      <span class="pager-links">
        {offset > 0 && <a href={refined({ offset: Math.max(offset - PAGE, 0) || null })}>Previous page</a>}
        {more && (
          <a href={refined({ offset: offset + PAGE })} rel="next">
            Next page <Icon name="chevron" />
          </a>
        )}
      </span>
    </div>
  );
}
