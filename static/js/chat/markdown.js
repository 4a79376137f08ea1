/**
 * Markdown as nodes of the page. Text becomes text nodes and nothing else, so nothing in it runs.
 *
 * `show` may be called again and again with a text that grows: blocks that did not change keep
 * their nodes, and with them the reader's place and selection.
 */

import { clone, make, part } from "../dom.js";
import { t } from "../i18n.js";
import { blocksOf } from "./blocks.js";
import { inlinesOf } from "./inline.js";

/** @typedef {import("./blocks.js").Block} Block */
/** @typedef {import("./inline.js").Inline} Inline */

const TAGS = /** @type {const} */ ({ strong: "strong", emphasis: "em", strike: "s" });

/** @typedef {import("./inline.js").Links} Links */

export class MarkdownView {
  #container;
  #links;
  /** @type {string[]} */
  #shown = [];

  /**
   * @param {HTMLElement} container emptied and kept by this view alone
   * @param {Links} [links] a model's bare addresses stay text: the server has judged its links
   */
  constructor(container, links = "marked") {
    this.#container = container;
    this.#links = links;
    container.replaceChildren();
  }

  /** @param {string} text */
  show(text) {
    const blocks = blocksOf(text);
    let same = 0;
    while (same < blocks.length && blocks[same].source === this.#shown[same]) same += 1;
    while (this.#container.childNodes.length > same) this.#container.lastChild?.remove();
    this.#container.append(...blocks.slice(same).map(({ block }) => nodeOf(block, this.#links)));
    this.#shown = blocks.map(({ source }) => source);
  }
}

/**
 * @param {Block} block
 * @param {Links} links
 * @returns {HTMLElement}
 */
function nodeOf(block, links) {
  switch (block.kind) {
    case "paragraph":
      return make("p", {}, ...inline(block.text, links));
    case "heading":
      return make("p", { class: `heading level-${block.level}` }, ...inline(block.text, links));
    case "code":
      return codeNode(block.text);
    case "quote":
      return make("blockquote", {}, ...block.blocks.map((one) => nodeOf(one, links)));
    case "list":
      return listNode(block, links);
    case "table":
      return tableNode(block, links);
    case "rule":
      return make("hr");
  }
}

/** @param {string} text */
function codeNode(text) {
  const made = clone("code-template");
  part(made, "code").textContent = text;
  const button = part(made, "copy");
  button.addEventListener("click", async () => {
    const copied = await copy(text);
    button.textContent = copied ? t("Copied") : t("Not copied");
    setTimeout(() => (button.textContent = t("Copy")), 2000);
  });
  return made;
}

/**
 * @param {Extract<Block, {kind: "list"}>} list
 * @param {Links} links
 */
function listNode({ ordered, start, items }, links) {
  const entries = items.map((blocks) => {
    const [first, ...more] = blocks;
    const lead = first?.kind === "paragraph" ? inline(first.text, links) : [];
    const rest = first?.kind === "paragraph" ? more : blocks;
    return make("li", {}, ...lead, ...rest.map((one) => nodeOf(one, links)));
  });
  if (!ordered) return make("ul", {}, ...entries);
  const made = make("ol", {}, ...entries);
  if (start !== 1) made.start = start;
  return made;
}

/**
 * @param {Extract<Block, {kind: "table"}>} table
 * @param {Links} links
 */
function tableNode({ head, rows }, links) {
  /** @param {"th" | "td"} tag @param {string[]} row */
  const line = (tag, row) => {
    return make("tr", {}, ...row.map((cell) => make(tag, {}, ...inline(cell, links))));
  };
  const body = rows.map((row) => line("td", row));
  const table = make("table", {}, make("thead", {}, line("th", head)), make("tbody", {}, ...body));
  const scrolls = make("div", { class: "scrolls" }, table);
  scrolls.tabIndex = 0;
  return scrolls;
}

/**
 * @param {string} text
 * @param {Links} links
 * @returns {Node[]}
 */
function inline(text, links) {
  return inlinesOf(text, links).map(inlineNode);
}

/**
 * @param {Inline} one
 * @returns {Node}
 */
function inlineNode(one) {
  switch (one.kind) {
    case "text":
      return document.createTextNode(one.text);
    case "code":
      return make("code", {}, one.text);
    case "break":
      return make("br");
    case "link": {
      const link = make("a", {}, ...one.parts.map(inlineNode));
      link.href = one.href;
      link.target = "_blank";
      link.rel = "noopener noreferrer";
      return link;
    }
    default:
      return make(TAGS[one.kind], {}, ...one.parts.map(inlineNode));
  }
}

/**
 * Put text on the clipboard; in a frame without leave for it, by a selection.
 *
 * @param {string} text
 * @returns {Promise<boolean>} whether it is there
 */
async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const field = make("textarea", { class: "visually-hidden" });
    const focused = document.activeElement;
    field.value = text;
    document.body.append(field);
    field.select();
    const copied = document.execCommand("copy");
    field.remove();
    if (focused instanceof HTMLElement) focused.focus();
    return copied;
  }
}
