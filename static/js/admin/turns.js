import { ago, duration, whole } from "../chat/times.js";
import { clone, find, make, part } from "../dom.js";
import { t } from "../i18n.js";
import { Section } from "./section.js";
import { count } from "./words.js";

/** @typedef {import("./types.js").TurnLine} TurnLine */

const LIVE = ["waiting", "gathering", "generating", "posting"];
const PAUSE = 3_000;

/** What became of the newest questions. Looked at again while one is under way. */
export class Turns extends Section {
  #api;
  #site;
  #changed;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #pause;

  /**
   * @param {HTMLElement} panel
   * @param {import("./api.js").AdminApi} api
   * @param {string} site its address: where issues are linked to
   * @param {() => Promise<void>} changed when there may be a first answer
   */
  constructor(panel, api, site, changed) {
    super(panel, () => this.#load());
    this.#api = api;
    this.#site = site;
    this.#changed = changed;
    part(panel, "again").addEventListener("click", () => void this.reload());
  }

  /** @override */
  show() {
    return this.reload();
  }

  async #load() {
    const { turns } = await this.#api.turns();
    const now = new Date();
    part(this.panel, "list").replaceChildren(...turns.map((turn) => this.#line(turn, now)));
    find(this.panel, "table", HTMLTableElement).hidden = turns.length === 0;
    part(this.panel, "nothing").hidden = turns.length > 0;
    void this.#changed();
    clearTimeout(this.#pause);
    if (turns.some(({ state }) => LIVE.includes(state))) {
      this.#pause = setTimeout(() => this.#again(), PAUSE);
    }
  }

  #again() {
    if (!this.panel.hidden) void this.reload();
  }

  /**
   * @param {TurnLine} turn
   * @param {Date} now
   */
  #line(turn, now) {
    const row = clone("turn");
    const [kind, word] = stateOf(turn);
    const state = part(row, "state");
    state.textContent = word;
    if (kind) state.classList.add(kind);
    part(row, "issue").replaceChildren(this.#issue(turn.issue_key));
    const started = new Date(turn.started);
    const when = find(row, "time", HTMLTimeElement);
    when.dateTime = turn.started;
    when.title = whole(started);
    when.textContent = ago(started, now);
    part(row, "why").textContent = turn.message || replyOf(turn.reply_as);
    part(row, "tokens").textContent = count(turn.tokens);
    part(row, "duration").textContent = turn.duration_ms === null ? "–" : duration(turn.duration_ms);
    return row;
  }

  /** @param {string | null} key */
  #issue(key) {
    if (!key) return t("Playground");
    const link = make("a", {}, key);
    link.href = `${this.#site}/browse/${encodeURIComponent(key)}`;
    link.target = "_blank";
    link.rel = "noopener";
    return link;
  }
}

/**
 * @param {TurnLine} turn
 * @returns {[string, string]} kind of lozenge, word
 */
function stateOf({ state }) {
  switch (state) {
    case "completed":
      return ["success", t("Answered")];
    case "failed":
      return ["danger", t("Failed")];
    case "stopped":
      return ["warning", t("Stopped")];
    case "dropped":
      return ["", t("Not needed")];
    case "generating":
      return ["information", t("Writing")];
    case "posting":
      return ["information", t("Posting")];
    default:
      return ["information", t("Waiting")];
  }
}

/** @param {string} replyAs */
function replyOf(replyAs) {
  switch (replyAs) {
    case "public":
      return t("A comment for everybody.");
    case "internal":
      return t("An internal note.");
    case "draft":
      return t("A draft for the team.");
    default:
      return t("Shown to who asked.");
  }
}
