/**
 * What somebody has typed and nobody has taken yet, kept in the browser until it is safe.
 *
 * In `localStorage`, so that a closed tab loses nothing; where the browser keeps nothing for
 * frames, in memory. A note is dropped once it is empty, and after a week.
 */

/** @typedef {{text: string, client_id: string, at: number}} Unsent */
/** @typedef {{text: string, unsent: Unsent[], at: number}} Note */

const PREFIX = "jira-chatkit:";
const WEEK = 7 * 24 * 60 * 60 * 1000;

/** @type {Map<string, string>} */
const memory = new Map();

/** What one place of the page keeps, such as a thread's composer. */
export class Kept {
  #key;

  /** @param {string[]} place such as `["composer", threadId, accountId]` */
  constructor(...place) {
    this.#key = PREFIX + place.join(":");
  }

  /** @returns {Note} */
  read() {
    try {
      const note = JSON.parse(read(this.#key) ?? "{}");
      return { text: note.text ?? "", unsent: note.unsent ?? [], at: note.at ?? 0 };
    } catch {
      return { text: "", unsent: [], at: 0 };
    }
  }

  /** @param {{text?: string, unsent?: Unsent[]}} change */
  write(change) {
    const note = { ...this.read(), ...change, at: Date.now() };
    if (note.text || note.unsent.length) write(this.#key, JSON.stringify(note));
    else remove(this.#key);
  }
}

/** A yes that is given once, such as "I know that the customer reads this". */
export class Once {
  #key;

  /** @param {string[]} place */
  constructor(...place) {
    this.#key = `${PREFIX}once:${place.join(":")}`;
  }

  get given() {
    return read(this.#key) !== null;
  }

  give() {
    write(this.#key, "1");
  }
}

/** Drop what was kept for so long that nobody will come back for it. */
export function forgetOld() {
  try {
    for (const key of Object.keys(localStorage)) {
      if (!key.startsWith(PREFIX) || key.startsWith(`${PREFIX}once:`)) continue;
      const { at } = JSON.parse(localStorage.getItem(key) ?? "{}");
      if (!(at > Date.now() - WEEK)) localStorage.removeItem(key);
    }
  } catch {
    // Kept for longer, then.
  }
}

/** @param {string} key */
function read(key) {
  try {
    return localStorage.getItem(key) ?? memory.get(key) ?? null;
  } catch {
    return memory.get(key) ?? null;
  }
}

/**
 * @param {string} key
 * @param {string} value
 */
function write(key, value) {
  try {
    localStorage.setItem(key, value);
  } catch {
    memory.set(key, value);
  }
}

/** @param {string} key */
function remove(key) {
  memory.delete(key);
  try {
    localStorage.removeItem(key);
  } catch {
    // It was in memory alone.
  }
}
