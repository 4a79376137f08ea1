/** The issue panel: the team's conversation with the assistant, and the customer's. */

import { Conversation } from "./chat/conversation.js";
import { forgetOld } from "./chat/kept.js";
import { Menu } from "./chat/menu.js";
import { find } from "./dom.js";
import { ConnectHost } from "./host.js";
import { speak, translate } from "./i18n.js";

/** @typedef {"internal" | "public"} Audience */

const host = new ConnectHost();
const app = find(document, "#app", HTMLElement);
const settings = /** @type {Record<string, string>} */ ({ ...app.dataset });

class Panel {
  /** @type {Map<Audience, Conversation>} */
  #conversations = new Map();
  /** @type {Map<Audience, HTMLButtonElement>} */
  #tabs = new Map();
  /** @type {Audience} */
  #current = settings.first === "internal" ? "internal" : "public";
  #menu = new Menu((what) => this.#conversations.get(this.#current)?.ask(what));

  open() {
    const audiences = /** @type {Audience[]} */ (settings.audiences.split(" "));
    for (const audience of audiences) this.#furnish(audience);
    find(app, "#bar", HTMLElement).hidden = audiences.length < 2;
    find(app, "#tabs", HTMLElement).hidden = audiences.length < 2;
    this.#choose(this.#current);
  }

  /** @param {Audience} audience */
  #furnish(audience) {
    const conversation = new Conversation({
      base: settings.base,
      issueId: settings.issue,
      audience,
      isReporter: settings.reporter === "true",
      host,
      changed: (thread, may) => audience === this.#current && this.#menu.show(thread, may),
    });
    conversation.element.hidden = true;
    find(app, "#conversations", HTMLElement).append(conversation.element);
    this.#conversations.set(audience, conversation);
    this.#furnishTab(audience, conversation.element);
  }

  /**
   * @param {Audience} audience
   * @param {HTMLElement} element
   */
  #furnishTab(audience, element) {
    const tab = find(app, `#tab-${audience}`, HTMLButtonElement);
    this.#tabs.set(audience, tab);
    if (settings.audiences.includes(" ")) {
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

host.theme();
host.fit(app);
forgetOld();
await speak(settings.base, await host.locale().catch(() => navigator.language));
translate(document);
new Panel().open();
