// Asks again and again for one thing: never twice at a time, and no faster than the server answers.

/** Milliseconds between two questions that changes cause, where a view does not say otherwise. */
export const PAUSE = 1_500;
/** A slow server is left alone for so many times what its last answer took. */
const RESPECT = 4;

export interface Clock {
  now(): number;
  after(ms: number, call: () => void): () => void;
}

export const browserClock: Clock = {
  now: () => performance.now(),
  after(ms, call) {
    const timer = setTimeout(call, ms);
    return () => clearTimeout(timer);
  },
};

export class Feed<Answer> {
  private controller: AbortController | null = null;
  private wanted = false;
  private earliest = 0;
  private cancelTimer: (() => void) | null = null;
  private stopped = false;

  constructor(
    private readonly fetchIt: (signal: AbortSignal) => Promise<Answer>,
    private readonly answered: (answer: Answer) => void,
    private readonly failed: (error: Error) => void,
    private readonly clock: Clock = browserClock,
    private readonly pause: number = PAUSE,
  ) {}

  /** Ask now; what is under way is given up. */
  askNow(): void {
    this.controller?.abort();
    this.controller = null;
    this.earliest = 0;
    this.ask();
  }

  /** Ask as soon as it is time again. Several wishes meanwhile are one. */
  ask(): void {
    if (this.stopped) return;
    if (this.controller) {
      this.wanted = true;
      return;
    }
    const wait = this.earliest - this.clock.now();
    if (wait > 0) {
      this.cancelTimer ??= this.clock.after(wait, () => {
        this.cancelTimer = null;
        this.ask();
      });
      return;
    }
    this.cancelTimer?.();
    this.cancelTimer = null;
    void this.fetch();
  }

  stop(): void {
    this.stopped = true;
    this.controller?.abort();
    this.cancelTimer?.();
  }

  private async fetch(): Promise<void> {
    const controller = new AbortController();
    const began = this.clock.now();
    this.controller = controller;
    this.wanted = false;
    try {
      const answer = await this.fetchIt(controller.signal);
      if (!controller.signal.aborted) this.answered(answer);
    } catch (error) {
      if (!controller.signal.aborted) {
        this.wanted ||= isOutage(error);
        this.failed(error as Error);
      }
    }
    if (this.controller !== controller || this.stopped) return;
    this.controller = null;
    this.earliest = this.clock.now() + Math.max(this.pause, RESPECT * (this.clock.now() - began));
    if (this.wanted) this.ask();
  }
}

/** Nobody will announce the end of an outage, so it has to be asked for. */
function isOutage(error: unknown): boolean {
  const status = (error as { status?: number }).status;
  return status === 0 || status === 503;
}
