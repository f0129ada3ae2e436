// Values for a line of a table, and for copying.

const WORTH_READING = 2_000;

/** One line of at most `length` characters; looks at no more of the value than it needs. */
export function preview(value: unknown, length = 120): string {
  const text = spell(value, { left: Math.min(length * 2, WORTH_READING) });
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}

interface Room {
  left: number;
}

function spell(value: unknown, room: Room): string {
  if (room.left <= 0) return "…";
  if (Array.isArray(value)) return `[${members(value, room, (item) => spell(item, room))}]`;
  if (value !== null && typeof value === "object") {
    return `{${members(keys(value), room, ([name, item]) => `${name}: ${spell(item, room)}`)}}`;
  }
  const text = typeof value === "string" ? JSON.stringify(value.slice(0, room.left)) : String(value);
  room.left -= text.length;
  return text;
}

function* keys(value: object): Generator<[string, unknown]> {
  for (const name in value) yield [name.slice(0, 200), (value as Record<string, unknown>)[name]];
}

function members<Item>(items: Iterable<Item>, room: Room, word: (item: Item) => string): string {
  const words: string[] = [];
  for (const item of items) {
    if (room.left <= 0) {
      words.push("…");
      break;
    }
    room.left -= 2;
    words.push(word(item));
  }
  return words.join(", ");
}

/** The arguments of a job as one would write a call: `user_id=42, force=true`. */
export function callPreview(args: unknown, length = 120): string {
  if (args === null || typeof args !== "object" || Array.isArray(args)) return preview(args, length);
  const room = { left: length * 2 };
  const words: string[] = [];
  for (const [name, value] of keys(args)) {
    if (room.left <= 0) break;
    words.push(`${name}=${spell(value, room)}`);
    room.left -= name.length + 3;
  }
  const text = words.join(", ");
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}
