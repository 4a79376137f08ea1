import { find, part } from "../dom.js";
import { Problem } from "../http.js";
import { t } from "../i18n.js";
import { Exchange } from "./exchange.js";
import { Form } from "./form.js";
import { Section } from "./section.js";
import { told } from "./words.js";

/** @typedef {import("./types.js").Workflow} Workflow */

/** Try the assistant: the newest version answers, a saved draft included. */
export class Playground extends Section {
  #api;
  #base;
  #isUnsaved;
  #form;
  /** @type {string | undefined} */
  #threadId;
  /** @type {Exchange | undefined} */
  #running;
  /** @type {Exchange | undefined} that may or may not have come through */
  #unsure;

  /**
   * @param {HTMLElement} panel
   * @param {import("./api.js").AdminApi} api
   * @param {{base: string, isUnsaved: () => boolean}} options whether the editor holds more than
   *   is tried here
   */
  constructor(panel, api, { base, isUnsaved }) {
    super(panel, () => this.#load());
    this.#api = api;
    this.#base = base;
    this.#isUnsaved = isUnsaved;
    const form = find(panel, "form", HTMLFormElement);
    this.#form = new Form(form);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#send();
    });
    form.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
    });
    part(panel, "again").addEventListener("click", () => this.#begin());
  }

  /** The editor may have moved on. @override */
  show() {
    return this.reload();
  }

  async #load() {
    const workflow = await this.#api.workflow();
    const tried = workflow.draft ?? workflow.published;
    const [kind, word, text] = stateOf(workflow);
    const lozenge = part(this.panel, "version");
    lozenge.className = `lozenge ${kind}`;
    lozenge.textContent = word;
    part(this.panel, "version-text").textContent = text;
    part(this.panel, "greeting").textContent =
      tried?.definition.greeting || t("Ask what a customer would ask.");
    part(this.panel, "unsaved").hidden = !this.#isUnsaved();
  }

  async #send() {
    if (this.#running) return;
    const field = this.#form.field("text");
    const text = field.value.trim();
    const exchange = this.#exchange(text);
    this.#running = this.#unsure = exchange;
    const sent = await this.#form.run(t("Sending…"), async () => {
      if (!text) throw missing();
      this.#threadId = await exchange.ask();
      return "";
    });
    if (sent) {
      this.#unsure = undefined;
      field.value = "";
      this.#append(exchange);
      await exchange.answered().catch((error) => exchange.fail(told(error)));
    }
    this.#running = undefined;
  }

  /**
   * The same message sent again after an error is the same exchange: nothing is asked twice.
   *
   * @param {string} text
   */
  #exchange(text) {
    if (this.#unsure?.text === text) return this.#unsure;
    return new Exchange(text, this.#api, { base: this.#base, threadId: this.#threadId });
  }

  /** @param {Exchange} exchange */
  #append(exchange) {
    part(this.panel, "talk").append(exchange.element);
    part(this.panel, "empty").hidden = true;
    part(this.panel, "again").hidden = false;
    exchange.element.scrollIntoView({ block: "nearest" });
  }

  /** A new conversation: what was said so far is forgotten. */
  #begin() {
    if (this.#running) return;
    this.#threadId = this.#unsure = undefined;
    part(this.panel, "talk").replaceChildren();
    part(this.panel, "empty").hidden = false;
    part(this.panel, "again").hidden = true;
    this.#form.field("text").focus();
  }
}

function missing() {
  return new Problem(422, { fields: { text: t("Write what a customer would ask.") } });
}

/**
 * @param {Workflow} workflow
 * @returns {[string, string, string]} kind of lozenge, word, sentence
 */
function stateOf({ published, draft }) {
  if (draft) {
    const { version } = draft;
    return ["information", t("Draft"), t("Version {version} is tried: the saved draft.", { version })];
  }
  if (published) {
    const { version } = published;
    return ["success", t("Published"), t("Version {version} is tried, as customers meet it.", { version })];
  }
  return ["warning", t("Not published"), t("There is nothing to try yet: save a draft first.")];
}
