import { find, part } from "../dom.js";
import { t } from "../i18n.js";
import { ask } from "./dialog.js";
import { Form } from "./form.js";
import { Section } from "./section.js";

/** @typedef {import("./types.js").KeyState} KeyState */

/** The key to OpenAI: tried on entry, never shown again. */
export class Connection extends Section {
  #api;
  #setup;
  #form;

  /**
   * @param {HTMLElement} panel
   * @param {import("./api.js").AdminApi} api
   * @param {import("./setup.js").Setup} setup
   */
  constructor(panel, api, setup) {
    super(panel, () => setup.refresh());
    this.#api = api;
    this.#setup = setup;
    const form = find(panel, "form", HTMLFormElement);
    this.#form = new Form(form);
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#save();
    });
    part(panel, "remove").addEventListener("click", () => void this.#remove());
    setup.watch(({ key }) => this.#show(key));
  }

  async #save() {
    const key = this.#form.field("key");
    const baseUrl = this.#form.field("base_url");
    await this.#form.run(t("Trying the key at OpenAI…"), async () => {
      await this.#api.setKey(key.value.trim(), baseUrl.value.trim());
      key.value = "";
      await this.#setup.refresh();
      return t("The key works and is kept.");
    });
  }

  async #remove() {
    const button = part(this.panel, "remove");
    const dialog = find(document, "#confirm-remove", HTMLDialogElement);
    if (!(await ask(dialog, button))) return;
    const removed = await this.#form.run(t("Removing the key…"), async () => {
      await this.#api.removeKey();
      await this.#setup.refresh();
      return t("The key is removed.");
    });
    if (removed) this.#form.field("key").focus();
  }

  /** @param {KeyState} key */
  #show(key) {
    const [kind, word, text] = STATES[key.source]();
    const lozenge = part(this.panel, "source");
    lozenge.textContent = word;
    lozenge.className = `lozenge ${kind}`;
    part(this.panel, "source-text").textContent = key.base_url
      ? `${text} ${t("Address: {address}", { address: key.base_url })}`
      : text;
    part(this.panel, "remove").hidden = key.source !== "own";
    part(this.panel, "submit").textContent =
      key.source === "own" ? t("Test and replace") : t("Test and save");
  }
}

/** @type {Record<KeyState["source"], () => [string, string, string]>} */
const STATES = {
  own: () => ["success", t("Connected"), t("Your own key is in use.")],
  operator: () => [
    "success",
    t("Connected"),
    t("The key of this app's operator is in use. Enter your own to pay for the answers yourself."),
  ],
  none: () => ["warning", t("Not connected"), t("Enter a key: without one nothing is answered.")],
};
