// Asks before something is changed, and says what became of it.

import { signal } from "@preact/signals";
import { useEffect, useRef, useState } from "preact/hooks";
import { Icon } from "./icon";

export interface Question {
  title: string;
  text: string;
  action: string;
  danger?: boolean;
  /** To go on, this has to be typed. */
  typed?: string;
}

interface Pending extends Question {
  answer: (yes: boolean) => void;
}

const pending = signal<Pending | null>(null);

/** Ask in a dialog; true when confirmed. */
export function ask(question: Question): Promise<boolean> {
  return new Promise((resolve) => {
    pending.value = {
      ...question,
      answer(yes) {
        pending.value = null;
        resolve(yes);
      },
    };
  });
}

export function Asking() {
  return pending.value ? <Dialog question={pending.value} /> : null;
}

function Dialog({ question }: { question: Pending }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [typed, setTyped] = useState("");
  useEffect(() => {
    const before = document.activeElement as HTMLElement | null;
    dialog.current?.showModal();
    return () => before?.focus?.();
  }, []);
  const allowed = question.typed === undefined || typed.replace(/[\s,]/g, "") === question.typed;
  return (
    <dialog ref={dialog} class="ask" aria-labelledby="ask-title" onCancel={() => question.answer(false)}>
      <form
        method="dialog"
        onSubmit={(event) => {
          event.preventDefault();
          if (allowed) question.answer(true);
        }}
      >
        <h2 id="ask-title">{question.title}</h2>
        <p>{question.text}</p>
        {question.typed !== undefined && (
          <label class="field">
            <span>
              Type <strong>{question.typed}</strong> to go on
            </span>
            <input
              inputMode="numeric"
              autoComplete="off"
              autofocus
              value={typed}
              onInput={(event) => setTyped(event.currentTarget.value)}
            />
          </label>
        )}
        <div class="buttons">
          <button type="button" onClick={() => question.answer(false)}>
            Keep as it is
          </button>
          <button type="submit" class={question.danger ? "danger" : "primary"} disabled={!allowed}>
            {question.action}
          </button>
        </div>
      </form>
    </dialog>
  );
}

interface Notice {
  id: number;
  text: string;
  bad: boolean;
}

const notices = signal<Notice[]>([]);
const STAY_MS = 6_000;
let lastNotice = 0;

export function tell(text: string, bad = false): void {
  const id = ++lastNotice;
  notices.value = [...notices.value.slice(-2), { id, text, bad }];
  if (!bad) setTimeout(() => dismiss(id), STAY_MS);
}

function dismiss(id: number): void {
  notices.value = notices.value.filter((one) => one.id !== id);
}

export function Notices() {
  return (
    <div class="notices" role="status" aria-live="polite">
      {notices.value.map((notice) => (
        <div key={notice.id} class={notice.bad ? "notice bad" : "notice"}>
          <Icon name={notice.bad ? "warning" : "done"} />
          <bdi>{notice.text}</bdi>
          <button type="button" class="bare" aria-label="Dismiss" onClick={() => dismiss(notice.id)}>
            <Icon name="close" />
          </button>
        </div>
      ))}
    </div>
  );
}

/** Do it, tell what came of it, and show the new state. */
export async function attempt(
  action: () => Promise<{ message: string }>,
  afterwards: () => void = () => undefined,
): Promise<boolean> {
  try {
    tell((await action()).message);
    return true;
  } catch (error) {
    tell((error as Error).message, true);
    return false;
  } finally {
    afterwards();
  }
}
