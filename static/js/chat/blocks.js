/**
 * Markdown's blocks, out of text that may still be growing. Pure.
 *
 * What a chat needs of CommonMark and GitHub's tables; HTML is text like any other.
 */

/**
 * @typedef {{kind: "paragraph", text: string}
 *   | {kind: "heading", level: number, text: string}
 *   | {kind: "code", language: string, text: string}
 *   | {kind: "quote", blocks: Block[]}
 *   | {kind: "list", ordered: boolean, start: number, items: Block[][]}
 *   | {kind: "table", head: string[], rows: string[][]}
 *   | {kind: "rule"}} Block
 */

const FENCE = /^ {0,3}(`{3,}|~{3,})\s*([^\s`]*)[^`]*$/;
const HEADING = /^ {0,3}(#{1,6})(?:\s+(.*?))?(?:\s+#+)?\s*$/;
const RULE = /^ {0,3}(?:(?:\*\s*){3,}|(?:-\s*){3,}|(?:_\s*){3,})$/;
const QUOTE = /^ {0,3}> ?/;
const BULLET = /^( {0,3})([-*+]|\d{1,9}[.)])( {1,4}|$)/;
const DIVIDER = /^ {0,3}\|?\s*:?-+:?\s*(?:\|\s*:?-+:?\s*)*\|?\s*$/;
const DEEPEST = 12;

/**
 * @param {string} text
 * @returns {{block: Block, source: string}[]} each with the lines that it is made of
 */
export function blocksOf(text) {
  const reader = new Reader(text.replace(/\r\n?/g, "\n").split("\n"), 0);
  return [...reader.read()];
}

/** Reads lines downwards; whatever holds other blocks is read by a reader of its own. */
class Reader {
  #lines;
  #depth;
  #at = 0;

  /**
   * @param {string[]} lines
   * @param {number} depth
   */
  constructor(lines, depth) {
    this.#lines = lines;
    this.#depth = depth;
  }

  *read() {
    while (this.#at < this.#lines.length) {
      const from = this.#at;
      const block = this.#next();
      const source = this.#lines.slice(from, this.#at).join("\n");
      if (block) yield { block, source };
    }
  }

  /** @returns {Block | null} null for blank lines */
  #next() {
    const line = this.#lines[this.#at];
    if (line.trim() === "") {
      this.#at += 1;
      return null;
    }
    const fence = FENCE.exec(line);
    if (fence) return this.#code(fence[1], fence[2]);
    const heading = HEADING.exec(line);
    if (heading) {
      this.#at += 1;
      return { kind: "heading", level: heading[1].length, text: heading[2] ?? "" };
    }
    if (RULE.test(line)) {
      this.#at += 1;
      return { kind: "rule" };
    }
    if (this.#depth < DEEPEST && QUOTE.test(line)) return this.#quote();
    if (this.#depth < DEEPEST && BULLET.test(line)) return this.#list();
    if (this.#isTable()) return this.#table();
    return this.#paragraph();
  }

  /**
   * @param {string} fence
   * @param {string} language
   * @returns {Block}
   */
  #code(fence, language) {
    this.#at += 1;
    const from = this.#at;
    const end = new RegExp(`^ {0,3}${fence[0]}{${fence.length},}\\s*$`);
    while (this.#at < this.#lines.length && !end.test(this.#lines[this.#at])) this.#at += 1;
    const text = this.#lines.slice(from, this.#at).join("\n");
    this.#at = Math.min(this.#at + 1, this.#lines.length);
    return { kind: "code", language, text };
  }

  /** @returns {Block} */
  #quote() {
    const inner = [];
    while (this.#at < this.#lines.length && QUOTE.test(this.#lines[this.#at])) {
      inner.push(this.#lines[this.#at].replace(QUOTE, ""));
      this.#at += 1;
    }
    return { kind: "quote", blocks: this.#within(inner) };
  }

  /** @returns {Block} */
  #list() {
    const first = /** @type {RegExpExecArray} */ (BULLET.exec(this.#lines[this.#at]));
    const ordered = /\d/.test(first[2]);
    const items = [];
    for (;;) {
      const bullet = BULLET.exec(this.#lines[this.#at] ?? "");
      if (!bullet || /\d/.test(bullet[2]) !== ordered || RULE.test(this.#lines[this.#at])) break;
      items.push(this.#within(this.#itemLines(bullet)));
    }
    return { kind: "list", ordered, start: ordered ? parseInt(first[2], 10) : 1, items };
  }

  /**
   * The lines of one item, without its indentation. Blank lines belong to it where more follows.
   *
   * @param {RegExpExecArray} bullet
   */
  #itemLines(bullet) {
    const indent = bullet[0].length + (bullet[3] === "" ? 1 : 0);
    const lines = [this.#lines[this.#at].slice(bullet[0].length)];
    this.#at += 1;
    while (this.#at < this.#lines.length) {
      const line = this.#lines[this.#at];
      const blank = line.trim() === "";
      const deeper = /^\s/.test(line) && line.length - line.trimStart().length >= Math.min(indent, 2);
      const lazy = !blank && this.#lines[this.#at - 1].trim() !== "" && !this.#begins(line);
      if (blank && !this.#goesOn(indent)) break;
      if (!blank && !deeper && !lazy) break;
      lines.push(blank ? "" : line.slice(Math.min(indent, line.length - line.trimStart().length)));
      this.#at += 1;
    }
    while (this.#at < this.#lines.length && this.#lines[this.#at].trim() === "") this.#at += 1;
    return lines;
  }

  /** @param {number} indent */
  #goesOn(indent) {
    let at = this.#at;
    while (at < this.#lines.length && this.#lines[at].trim() === "") at += 1;
    const line = this.#lines[at] ?? "";
    return line.length - line.trimStart().length >= Math.min(indent, 2) && line.trim() !== "";
  }

  #isTable() {
    const [line, below] = [this.#lines[this.#at], this.#lines[this.#at + 1]];
    return (
      below !== undefined &&
      line.includes("|") &&
      DIVIDER.test(below) &&
      cells(line).length === cells(below).length
    );
  }

  /** @returns {Block} */
  #table() {
    const head = cells(this.#lines[this.#at]);
    this.#at += 2;
    const rows = [];
    while (this.#at < this.#lines.length && this.#lines[this.#at].includes("|")) {
      const row = cells(this.#lines[this.#at]);
      rows.push(head.map((_, column) => row[column] ?? ""));
      this.#at += 1;
    }
    return { kind: "table", head, rows };
  }

  /** @returns {Block} */
  #paragraph() {
    const from = this.#at;
    this.#at += 1;
    while (this.#at < this.#lines.length) {
      const line = this.#lines[this.#at];
      if (line.trim() === "" || this.#begins(line) || this.#isTable()) break;
      this.#at += 1;
    }
    const lines = this.#lines.slice(from, this.#at).map((line) => line.trimStart());
    return { kind: "paragraph", text: lines.join("\n") };
  }

  /** Whether a line ends a paragraph by beginning something else. @param {string} line */
  #begins(line) {
    if (FENCE.test(line) || HEADING.test(line) || RULE.test(line)) return true;
    return this.#depth < DEEPEST && (QUOTE.test(line) || BULLET.test(line));
  }

  /**
   * @param {string[]} lines
   * @returns {Block[]}
   */
  #within(lines) {
    return [...new Reader(lines, this.#depth + 1).read()].map(({ block }) => block);
  }
}

/** @param {string} line */
function cells(line) {
  const inner = line.trim().replace(/^\|/, "").replace(/(?<!\\)\|$/, "");
  return inner.split(/(?<!\\)\|/).map((cell) => cell.trim().replaceAll("\\|", "|"));
}
