// What surrounds every view: the way to the others, the state of the connection, the help.

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { compact } from "./format/number";
import { helpOpen } from "./keys";
import { connection, stats, togglePause, type Connection } from "./live";
import { Asking, Notices } from "./parts/ask";
import { link } from "./parts/controls";
import { Icon, type IconName } from "./parts/icon";
import { place, url } from "./place";
import { mayWrite, session, whyReadOnly } from "./session";
import { chooseTheme, theme, type Theme } from "./theme";
import { resolve, VIEWS } from "./views";

export function Shell({ children }: { children: ComponentChildren }) {
  return (
    <>
      <a class="skip" href={`${link(place.value.path)}#main`} onClick={skip}>
        Skip to content
      </a>
      <header class="side">
        <div class="brand">
          <a href="./" class="brand-name">
            <Mark /> Soniq
          </a>
          <Live />
        </div>
        <Views />
        <Foot />
      </header>
      <main id="main" tabIndex={-1}>
        {children}
      </main>
      <Notices />
      <Asking />
      {helpOpen.value && <Help />}
    </>
  );
}

function skip(event: MouseEvent): void {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

function Mark() {
  return (
    <svg class="mark" viewBox="0 0 22 16" aria-hidden="true" focusable="false">
      <path d="M2 6.5v3M6.5 2v12M11 4.5v7M15.5 1v14M20 6v4" />
    </svg>
  );
}

function Views() {
  const current = resolve(place.value.path)?.view.path;
  const bar = useRef<HTMLElement>(null);
  // On a phone the bar is wider than the screen.
  useEffect(() => {
    const link = bar.current?.querySelector<HTMLElement>("[aria-current]");
    if (bar.current && link) bar.current.scrollLeft = link.offsetLeft - bar.current.clientWidth / 3;
  }, [current]);
  return (
    <nav ref={bar} class="views" aria-label="Views">
      {VIEWS.map((view) => (
        <a
          key={view.path}
          href={link(view.path)}
          aria-current={view.path === current ? "page" : undefined}
        >
          <Icon name={view.icon} />
          <span>{view.title}</span>
          <Count of={view.path} />
        </a>
      ))}
    </nav>
  );
}

function Count({ of }: { of: string }) {
  const held = stats.value;
  const count = of === "failures" ? held?.dead_letter : of === "jobs" ? held?.queued : undefined;
  if (!count) return null;
  const word = of === "failures" ? "dead letters" : "queued";
  return (
    <span class="count" data-tip={`${count.toLocaleString("en")} ${word}`}>
      {compact(count)}
      <span class="hidden"> {word}</span>
    </span>
  );
}

const CONNECTION: Record<Connection, { word: string; tip: string }> = {
  connecting: { word: "Connecting", tip: "Waiting for the server" },
  live: { word: "Live", tip: "Changes show by themselves. Press to hold the page still (p)" },
  reconnecting: { word: "Reconnecting", tip: "The connection is lost and is being tried again" },
  paused: { word: "Paused", tip: "The page holds still. Press to go on (p)" },
};

function Live() {
  const { word, tip } = CONNECTION[connection.value];
  return (
    <button
      type="button"
      class={`live live-${connection.value}`}
      aria-pressed={connection.value === "paused"}
      data-tip={tip}
      onClick={togglePause}
    >
      <span class="dot" aria-hidden="true" />
      {word}
    </button>
  );
}

function Foot() {
  const held = session.value;
  return (
    <div class="foot">
      {held && !mayWrite.value && (
        <p class="read-only" tabIndex={0} data-tip={whyReadOnly(held)}>
          Read-only
          <span class="hidden">. {whyReadOnly(held)}</span>
        </p>
      )}
      <div class="foot-row">
        <Themes />
        <button
          type="button"
          class="bare keys-button"
          aria-label="Keyboard shortcuts"
          data-tip="Keyboard shortcuts (?)"
          onClick={() => (helpOpen.value = true)}
        >
          <Icon name="keyboard" />
        </button>
        {held?.signed_in_by === "key" && (
          <form method="post" action={url("logout")}>
            <button type="submit" class="bare" aria-label="Sign out" data-tip="Sign out">
              <Icon name="out" />
            </button>
          </form>
        )}
      </div>
      {held && <p class="version">
          Version {held.version}
          {held.environment && <bdi> · {held.environment}</bdi>}
        </p>}
    </div>
  );
}

const THEMES: readonly { value: Theme; word: string; icon: IconName }[] = [
  { value: "light", word: "Light", icon: "sun" },
  { value: "system", word: "As the system", icon: "system" },
  { value: "dark", word: "Dark", icon: "moon" },
];

function Themes() {
  return (
    <div class="themes" role="group" aria-label="Colours">
      {THEMES.map(({ value, word, icon }) => (
        <button
          key={value}
          type="button"
          aria-label={word}
          aria-pressed={theme.value === value}
          data-tip={word}
          onClick={() => chooseTheme(value)}
        >
          <Icon name={icon} />
        </button>
      ))}
    </div>
  );
}

function Help() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => dialog.current?.showModal(), []);
  const close = () => (helpOpen.value = false);
  return (
    <dialog ref={dialog} class="ask help" aria-labelledby="help-title" onClose={close}>
      <h2 id="help-title">Keyboard</h2>
      <dl>
        <Key keys={["/"]} word="Search" />
        <Key keys={["j", "k"]} word="Next and previous row" />
        <Key keys={["Enter"]} word="Open the row" />
        <Key keys={["x"]} word="Tick the row" />
        <Key keys={["p"]} word="Hold the page still, or go on" />
        <Key keys={["Esc"]} word="Leave a field, close a dialog" />
        <Key keys={["?"]} word="This list" />
        {VIEWS.map((view) => (
          <Key key={view.path} keys={["g", view.key]} word={view.title} />
        ))}
      </dl>
      <form method="dialog" class="buttons">
        <button type="submit" class="primary">
          Close
        </button>
      </form>
    </dialog>
  );
}

function Key({ keys, word }: { keys: string[]; word: string }) {
  return (
    <div>
      <dt>
        {keys.map((key) => (
          <kbd key={key}>{key}</kbd>
        ))}
      </dt>
      <dd>{word}</dd>
    </div>
  );
}

/** The heading of a view, and what can be done there. */
export function Heading({ title, children }: { title: ComponentChildren; children?: ComponentChildren }) {
  return (
    <div class="heading">
      <h1 tabIndex={-1}>{title}</h1>
      {children && <div class="heading-side">{children}</div>}
    </div>
  );
}
