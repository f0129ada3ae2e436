// One bubble for the whole page. It shows what an element keeps in data-tip (the exact time, say)
// while the pointer rests on it, it has the focus, or its row has.

const GAP = 6;

let bubble: HTMLElement | null = null;
let shownFor: Element | null = null;

export function watchTips(): void {
  document.addEventListener("pointerover", (event) => show(carrier(event.target)));
  document.addEventListener("focusin", (event) => show(carrier(event.target) ?? inRow(event.target)));
  document.addEventListener("focusout", hide);
  document.addEventListener("scroll", hide, { capture: true, passive: true });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") hide();
  });
}

function carrier(target: EventTarget | null): Element | null {
  return target instanceof Element ? target.closest("[data-tip]") : null;
}

function inRow(target: EventTarget | null): Element | null {
  if (!(target instanceof Element) || !target.matches(":focus-visible")) return null;
  return target.closest("[data-row]")?.querySelector("time[data-tip]") ?? null;
}

function show(element: Element | null): void {
  if (element === shownFor) return;
  hide();
  const text = element?.getAttribute("data-tip");
  if (!element || !text) return;
  bubble ??= document.body.appendChild(make());
  bubble.textContent = text;
  bubble.hidden = false;
  put(bubble, element.getBoundingClientRect());
  shownFor = element;
}

function hide(): void {
  if (bubble) bubble.hidden = true;
  shownFor = null;
}

function make(): HTMLElement {
  const made = document.createElement("div");
  made.className = "tip";
  made.setAttribute("role", "tooltip");
  return made;
}

function put(tip: HTMLElement, at: DOMRect): void {
  const { width, height } = tip.getBoundingClientRect();
  const left = Math.min(Math.max(at.left + at.width / 2 - width / 2, GAP), innerWidth - width - GAP);
  const above = at.top - height - GAP;
  tip.style.left = `${left}px`;
  tip.style.top = `${above > GAP ? above : at.bottom + GAP}px`;
}
