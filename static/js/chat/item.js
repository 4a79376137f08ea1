/** One message of a conversation. */

import { clone, find, part } from "../dom.js";
import { locale, m, t } from "../i18n.js";
import { DraftView } from "./draft.js";
import { MarkdownView } from "./markdown.js";
import { colour, initials } from "./people.js";
import { ago, duration, whole } from "./times.js";

/** @typedef {import("./thread.js").Item} Item */

/**
 * @typedef {object} Room what an item knows of the conversation that it stands in
 * @property {string} viewer account id
 * @property {(accountId: string | null) => string} name
 * @property {Map<string, string>} feedback the viewer's own, by item
 * @property {(itemId: string, kind: "positive" | "negative") => Promise<void>} judge
 * @property {import("./draft.js").Decide} drafts
 */

const ROLES = /** @type {Record<string, readonly [string, string]>} */ ({
  assistant: [m("AI"), "discovery"],
  customer: [m("Customer"), "information"],
  agent: [m("Agent"), ""],
  visitor: [m("Visitor"), "information"],
  app: [m("App"), ""],
});

const UNDELIVERED = /** @type {Record<string, string>} */ ({
  jira_denied: m("Jira refused the app's access, so this stands only here."),
  comment_cap: m("The issue holds as many comments as Jira allows, so this stands only here."),
});

export class ItemView {
  element = clone("item-template");
  /** @type {Item | null} */
  item = null;
  #room;
  /** @type {MarkdownView | undefined} */
  #markdown;
  /** @type {DraftView | undefined} */
  #draft;
  #parts;

  /** @param {Room} room */
  constructor(room) {
    this.#room = room;
    this.#parts = {
      avatar: part(this.element, "avatar"),
      name: part(this.element, "name"),
      role: part(this.element, "role"),
      time: find(this.element, "time", HTMLTimeElement),
      text: part(this.element, "text"),
      card: part(this.element, "card"),
      remark: part(this.element, "remark"),
      after: part(this.element, "after"),
      thumbs: part(this.element, "thumbs"),
      good: part(this.element, "good"),
      bad: part(this.element, "bad"),
      cost: part(this.element, "cost"),
    };
    this.#parts.good.addEventListener("click", () => this.#judge("positive"));
    this.#parts.bad.addEventListener("click", () => this.#judge("negative"));
  }

  /** @param {Item} item */
  show(item) {
    this.item = item;
    const assistant = item.kind === "assistant";
    this.element.classList.toggle("assistant", assistant);
    this.element.classList.toggle("streaming", item.streaming);
    this.element.classList.toggle("drafted", item.draft !== null);
    this.#markdown ??= new MarkdownView(this.#parts.text, assistant ? "marked" : "all");
    this.#markdown.show(item.text);
    this.#showAuthor(item);
    this.#showRole(item);
    this.#parts.time.dateTime = new Date(item.at).toISOString();
    this.#parts.time.title = whole(new Date(item.at));
    this.tick();
    this.#showDraft(item);
    this.#showRemark(item);
    this.#showAfter(item);
  }

  /** Time has passed. */
  tick() {
    if (this.item) this.#parts.time.textContent = ago(new Date(this.item.at));
  }

  /** More names are known. */
  rename() {
    if (this.item === null) return;
    this.#showAuthor(this.item);
    if (this.#draft) this.#draft.show(this.item);
  }

  /** @param {Item} item */
  #showAuthor(item) {
    const { avatar, name } = this.#parts;
    if (item.kind === "assistant") {
      name.textContent = t("Assistant");
      avatar.className = "avatar assistant-avatar";
      return;
    }
    const own = item.author !== null && item.author === this.#room.viewer;
    const known = this.#room.name(item.author);
    name.textContent = own ? t("{name} (you)", { name: known }) : known;
    avatar.textContent = initials(known);
    avatar.className = `avatar ${colour(item.author ?? item.id)}`;
  }

  /** @param {Item} item */
  #showRole(item) {
    const [word, look] = ROLES[item.role] ?? ["", ""];
    this.#parts.role.hidden = word === "";
    this.#parts.role.textContent = word && t(word);
    this.#parts.role.className = `lozenge ${look}`;
  }

  /** @param {Item} item */
  #showDraft(item) {
    this.#parts.card.hidden = item.draft === null || item.streaming;
    if (this.#parts.card.hidden) return;
    if (!this.#draft) {
      this.#draft = new DraftView(item.id, this.#room.drafts);
      this.#parts.card.append(this.#draft.element);
    }
    this.#draft.show(item);
  }

  /** @param {Item} item */
  #showRemark(item) {
    let text = "";
    if (item.stopped) text = t("Stopped before its end. It was not posted.");
    if (item.undelivered !== null) {
      text = t(UNDELIVERED[item.undelivered] ?? m("Jira did not take this, so it stands only here."));
    }
    this.#parts.remark.textContent = text;
    this.#parts.remark.hidden = text === "";
  }

  /** @param {Item} item */
  #showAfter(item) {
    const { after, cost, good, bad } = this.#parts;
    after.hidden = item.kind !== "assistant" || item.streaming || item.stopped;
    const given = this.#room.feedback.get(item.id);
    good.setAttribute("aria-pressed", String(given === "positive"));
    bad.setAttribute("aria-pressed", String(given === "negative"));
    cost.textContent = item.cost
      ? t("{tokens} tokens · {duration} · {model}", {
          tokens: (item.cost.input_tokens + item.cost.output_tokens).toLocaleString(locale()),
          duration: duration(item.cost.duration_ms),
          model: item.cost.model,
        })
      : "";
  }

  /** @param {"positive" | "negative"} kind */
  async #judge(kind) {
    if (this.item === null) return;
    await this.#room.judge(this.item.id, kind);
    this.#showAfter(this.item);
  }
}
