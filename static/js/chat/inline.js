/**
 * Markdown within a line: emphasis, code, links. Pure, and linear in the text's length.
 *
 * A picture is its description, HTML is text, and a link that is not to the web or to a mailbox
 * is its words.
 */

/**
 * @typedef {{kind: "text", text: string}
 *   | {kind: "code", text: string}
 *   | {kind: "break"}
 *   | {kind: "strong" | "emphasis" | "strike", parts: Inline[]}
 *   | {kind: "link", href: string, parts: Inline[]}} Inline
 */

const SAFE = new Set(["http:", "https:", "mailto:"]);
const PUNCTUATION = /[!-/:-@[-`{-~]/;
const BARE = /https?:\/\/[^\s<>"`|]+/y;
const ANGLE = /<((?:https?:\/\/|mailto:)[^\s<>]+)>/y;
const TARGET = /\(\s*(?:<([^<>\n]*)>|([^\s()<>]*(?:\([^\s()<>]*\)[^\s()<>]*)*))(?:\s+(?:"[^"\n]*"|'[^'\n]*'))?\s*\)/y;
const TICKS = /`+/y;
const DEEPEST = 10;
const ENTITY = /&(amp|lt|gt|quot|nbsp|#39);/g;
const ENTITIES = /** @type {Record<string, string>} */ ({
  amp: "&",
  lt: "<",
  gt: ">",
  quot: '"',
  nbsp: "\u00a0",
  "#39": "'",
});
const MARKS = /** @type {const} */ ([
  ["***", "strong"],
  ["**", "strong"],
  ["__", "strong"],
  ["~~", "strike"],
  ["*", "emphasis"],
  ["_", "emphasis"],
]);

/**
 * @typedef {"none" | "marked" | "all"} Links which addresses become links; `marked`: those that
 *   are written as links, `all`: bare ones, too
 */

/**
 * @param {string} text
 * @param {Links} links
 * @returns {Inline[]}
 */
export function inlinesOf(text, links) {
  return new Scanner(text, 0, links).scan();
}

/**
 * An address that may be followed, or null.
 *
 * @param {string} href
 * @returns {string | null}
 */
export function safe(href) {
  try {
    const url = new URL(href);
    return SAFE.has(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

class Scanner {
  #text;
  #depth;
  #links;
  #at = 0;
  #plain = "";
  /** @type {Inline[]} */
  #found = [];
  /** Marks of which no more close here: nobody looks for them again. @type {Set<string>} */
  #unclosed = new Set();
  /** @type {Map<number, number> | undefined} */
  #brackets;

  /**
   * @param {string} text
   * @param {number} depth
   * @param {Links} links there are none within a link
   */
  constructor(text, depth, links) {
    this.#text = text;
    this.#depth = depth;
    this.#links = links;
  }

  /** @returns {Inline[]} */
  scan() {
    while (this.#at < this.#text.length) {
      if (!this.#special()) {
        this.#plain += this.#text[this.#at];
        this.#at += 1;
      }
    }
    this.#flush();
    return this.#found;
  }

  #special() {
    switch (this.#text[this.#at]) {
      case "\\":
        return this.#escape();
      case "\n":
        return this.#lineBreak();
      case "`":
        return this.#code();
      case "*":
      case "_":
      case "~":
        return this.#emphasis();
      case "!":
        return this.#text[this.#at + 1] === "[" && this.#link(this.#at + 1, false);
      case "[":
        return this.#link(this.#at, this.#links !== "none");
      case "<":
        return this.#links !== "none" && this.#address(ANGLE);
      case "h":
        return this.#links === "all" && this.#beginsWord() && this.#address(BARE);
      default:
        return false;
    }
  }

  #beginsWord() {
    return !/\w/.test(this.#text[this.#at - 1] ?? "");
  }

  #escape() {
    const next = this.#text[this.#at + 1];
    if (next === "\n") {
      this.#push({ kind: "break" }, this.#at + 2);
      return true;
    }
    if (next === undefined || !PUNCTUATION.test(next)) return false;
    this.#plain += next;
    this.#at += 2;
    return true;
  }

  /** A line's end is shown as one: people in a chat mean it. */
  #lineBreak() {
    this.#plain = this.#plain.trimEnd();
    this.#push({ kind: "break" }, this.#at + 1);
    return true;
  }

  #code() {
    const ticks = match(TICKS, this.#text, this.#at)?.[0] ?? "`";
    const end = this.#unclosed.has(ticks) ? -1 : ticksAt(this.#text, this.#at + ticks.length, ticks);
    if (end < 0) {
      this.#unclosed.add(ticks);
      this.#plain += ticks;
      this.#at += ticks.length;
      return true;
    }
    const inner = this.#text.slice(this.#at + ticks.length, end).replaceAll("\n", " ");
    const padded = inner.startsWith(" ") && inner.endsWith(" ") && inner.trim() !== "";
    this.#push({ kind: "code", text: padded ? inner.slice(1, -1) : inner }, end + ticks.length);
    return true;
  }

  #emphasis() {
    if (this.#depth >= DEEPEST) return false;
    for (const [mark, kind] of MARKS) {
      if (!this.#text.startsWith(mark, this.#at) || !this.#opens(mark)) continue;
      const from = this.#at + mark.length;
      const end = this.#closing(mark, from);
      if (end < 0) continue;
      const parts = this.#within(this.#text.slice(from, end), this.#links);
      const both = mark.length === 3;
      this.#push({ kind, parts: both ? [{ kind: "emphasis", parts }] : parts }, end + mark.length);
      return true;
    }
    return false;
  }

  /** @param {string} mark */
  #opens(mark) {
    const next = this.#text[this.#at + mark.length] ?? " ";
    const before = this.#text[this.#at - 1] ?? " ";
    return !/\s/.test(next) && next !== mark[0] && (mark[0] !== "_" || !/\w/.test(before));
  }

  /**
   * @param {string} mark
   * @param {number} from
   * @returns {number} -1 where none closes
   */
  #closing(mark, from) {
    if (this.#unclosed.has(mark)) return -1;
    for (let at = from; at < this.#text.length; at += 1) {
      const here = this.#text[at];
      if (here === "\\") at += 1;
      else if (here === "`") at = this.#afterCode(at) - 1;
      else if (here === mark[0]) {
        const run = runOf(this.#text, at);
        const fits = mark.length === 1 ? run !== 2 : run >= mark.length;
        if (fits && this.#closes(mark, at + run)) return at + run - mark.length;
        at += run - 1;
      }
    }
    this.#unclosed.add(mark);
    return -1;
  }

  /**
   * @param {string} mark
   * @param {number} end behind it
   */
  #closes(mark, end) {
    const before = this.#text[end - runBefore(this.#text, end) - 1] ?? " ";
    return !/\s/.test(before) && (mark[0] !== "_" || !/\w/.test(this.#text[end] ?? " "));
  }

  /** @param {number} at of a backtick; the place behind its code, or behind the backticks */
  #afterCode(at) {
    const ticks = match(TICKS, this.#text, at)?.[0] ?? "`";
    const from = at + ticks.length;
    const end = this.#unclosed.has(ticks) ? -1 : ticksAt(this.#text, from, ticks);
    if (end < 0) this.#unclosed.add(ticks);
    return end < 0 ? from : end + ticks.length;
  }

  /**
   * @param {number} open place of the bracket
   * @param {boolean} links false: only its words are shown
   */
  #link(open, links) {
    if (this.#depth >= DEEPEST) return false;
    this.#brackets ??= bracketsOf(this.#text);
    const close = this.#brackets.get(open);
    if (close === undefined) return false;
    const target = match(TARGET, this.#text, close + 1);
    if (!target) return false;
    const words = this.#text.slice(open + 1, close);
    const href = safe(target[1] ?? target[2] ?? "");
    const parts = this.#within(words, "none");
    const end = close + 1 + target[0].length;
    if (href !== null && links) this.#push({ kind: "link", href, parts }, end);
    else this.#pushAll(parts, end);
    return true;
  }

  /** @param {RegExp} form */
  #address(form) {
    const found = match(form, this.#text, this.#at);
    if (!found) return false;
    const whole = found[1] ?? trimmed(found[0]);
    const href = safe(whole);
    if (href === null) return false;
    const parts = /** @type {Inline[]} */ ([{ kind: "text", text: whole }]);
    this.#push({ kind: "link", href, parts }, this.#at + (found[1] ? found[0].length : whole.length));
    return true;
  }

  /**
   * @param {string} text
   * @param {Links} links
   */
  #within(text, links) {
    return new Scanner(text, this.#depth + 1, links).scan();
  }

  /**
   * @param {Inline} inline
   * @param {number} end
   */
  #push(inline, end) {
    this.#pushAll([inline], end);
  }

  /**
   * @param {Inline[]} inlines
   * @param {number} end
   */
  #pushAll(inlines, end) {
    this.#flush();
    this.#found.push(...inlines);
    this.#at = end;
  }

  #flush() {
    const text = this.#plain.replace(ENTITY, (_, name) => ENTITIES[name]);
    if (text) this.#found.push({ kind: "text", text });
    this.#plain = "";
  }
}

/**
 * @param {RegExp} sticky
 * @param {string} text
 * @param {number} at
 */
function match(sticky, text, at) {
  sticky.lastIndex = at;
  return sticky.exec(text);
}

/**
 * Where a run of exactly these backticks is; -1: nowhere.
 *
 * @param {string} text
 * @param {number} from
 * @param {string} ticks
 */
function ticksAt(text, from, ticks) {
  for (let at = text.indexOf("`", from); at >= 0; at = text.indexOf("`", at)) {
    const run = runOf(text, at);
    if (run === ticks.length) return at;
    at += run;
  }
  return -1;
}

/**
 * How often the character at a place stands there in a row.
 *
 * @param {string} text
 * @param {number} at
 */
function runOf(text, at) {
  let end = at;
  while (text[end] === text[at]) end += 1;
  return end - at;
}

/**
 * @param {string} text
 * @param {number} end
 */
function runBefore(text, end) {
  let from = end;
  while (from > 0 && text[from - 1] === text[end - 1]) from -= 1;
  return end - from;
}

/** Which bracket closes which, in one pass. @param {string} text */
function bracketsOf(text) {
  const pairs = new Map();
  const open = [];
  for (let at = 0; at < text.length; at += 1) {
    if (text[at] === "\\") at += 1;
    else if (text[at] === "[") open.push(at);
    else if (text[at] === "]" && open.length) pairs.set(open.pop(), at);
  }
  return pairs;
}

/** An address without the punctuation of the sentence that it stands in. @param {string} found */
function trimmed(found) {
  let end = found.length;
  while (end > 0) {
    const last = found[end - 1];
    const closing = last === ")" && !found.slice(0, end).includes("(");
    if (!closing && !".,:;!?'\"*_~]".includes(last)) break;
    end -= 1;
  }
  return found.slice(0, end);
}
