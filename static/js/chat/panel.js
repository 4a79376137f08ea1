/** The issue panel: the team's conversation with the assistant, and the customer's. */

import { find } from "../dom.js";
import { sessionBy } from "../http.js";
import { Conversation } from "./conversation.js";
import { Menu } from "./menu.js";

/** @typedef {"internal" | "public"} Audience */

/**
 * @typedef {object} IssueShell what the panel is told before it asks for the rest
 * @property {string} base the app's path, or its whole URL
 * @property {string} id the issue's
 * @property {readonly Audience[]} audiences the threads that the viewer may open
 * @property {Audience} first the one to open with
 * @property {boolean} isReporter
 * @property {(audience: Audience) => import("../http.js").Session | undefined} [session] one that is
 *   there already
 */

/** The conversations of an issue and the tabs between them. */
export class Panel {
  /** @type {Map<Audience, Conversation>} */
  #conversations = new Map();
  /** @type {Map<Audience, HTMLButtonElement>} */
  #tabs = new Map();
  #app;
  #host;
  #issue;
  /** @type {Audience} */
  #current;
  #menu = new Menu((what) => this.#conversations.get(this.#current)?.ask(what));

  /**
   * @param {HTMLElement} app
   * @param {import("../host.js").Host} host
   * @param {IssueShell} issue
   */
  constructor(app, host, issue) {
    this.#app = app;
    this.#host = host;
    this.#issue = issue;
    this.#current = issue.first;
  }

  open() {
    const { audiences } = this.#issue;
    for (const audience of audiences) this.#furnish(audience);
    find(this.#app, "#bar", HTMLElement).hidden = audiences.length < 2;
    find(this.#app, "#tabs", HTMLElement).hidden = audiences.length < 2;
    this.#choose(this.#current);
  }

  /** @param {Audience} audience */
  #furnish(audience) {
    const conversation = new Conversation({
      base: this.#issue.base,
      session: this.#issue.session?.(audience) ?? this.#session(audience),
      audience,
      isReporter: this.#issue.isReporter,
      changed: (thread, may) => audience === this.#current && this.#menu.show(thread, may),
    });
    conversation.element.hidden = true;
    find(this.#app, "#conversations", HTMLElement).append(conversation.element);
    this.#conversations.set(audience, conversation);
    this.#furnishTab(audience, conversation.element);
  }

  /** @param {Audience} audience */
  #session(audience) {
    return sessionBy(this.#host, "/api/sessions", { issue_id: this.#issue.id, audience });
  }

  /**
   * @param {Audience} audience
   * @param {HTMLElement} element
   */
  #furnishTab(audience, element) {
    const tab = find(this.#app, `#tab-${audience}`, HTMLButtonElement);
    this.#tabs.set(audience, tab);
    if (this.#issue.audiences.length > 1) {
      element.setAttribute("role", "tabpanel");
      element.setAttribute("aria-labelledby", tab.id);
    }
    tab.setAttribute("aria-controls", element.id);
    tab.addEventListener("click", () => this.#choose(audience));
    tab.addEventListener("keydown", (event) => {
      const others = [...this.#tabs.keys()].filter((one) => one !== audience);
      if (["ArrowLeft", "ArrowRight", "Home", "End"].includes(event.key) && others.length) {
        event.preventDefault();
        this.#choose(others[0]);
        this.#tabs.get(others[0])?.focus();
      }
    });
  }

  /** @param {Audience} audience */
  #choose(audience) {
    this.#current = audience;
    for (const [one, tab] of this.#tabs) {
      tab.setAttribute("aria-selected", String(one === audience));
      tab.tabIndex = one === audience ? 0 : -1;
    }
    for (const [one, conversation] of this.#conversations) {
      if (one === audience) void conversation.show();
      else conversation.hide();
    }
    const chosen = this.#conversations.get(audience);
    if (chosen) this.#menu.show(chosen.thread, chosen.may);
  }
}
