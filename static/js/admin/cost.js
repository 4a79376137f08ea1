import { find, part } from "../dom.js";
import { t } from "../i18n.js";
import { Form } from "./form.js";
import { Section } from "./section.js";
import { count, whole } from "./words.js";

/** @typedef {import("./types.js").Usage} Usage */

/** Tokens of today against the day's cap, and the cap. */
export class Cost extends Section {
  #api;
  #setup;
  #form;
  #element;
  #typed = false;

  /**
   * @param {HTMLElement} panel
   * @param {import("./api.js").AdminApi} api
   * @param {import("./setup.js").Setup} setup
   */
  constructor(panel, api, setup) {
    super(panel, () => setup.refresh());
    this.#api = api;
    this.#setup = setup;
    this.#element = find(panel, "form", HTMLFormElement);
    this.#form = new Form(this.#element);
    this.#element.addEventListener("input", () => this.#changed());
    this.#element.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#save();
    });
    setup.watch(({ usage }) => this.#show(usage));
  }

  /** Tokens are spent meanwhile. @override */
  show() {
    return this.reload();
  }

  async #save() {
    await this.#form.run(t("Saving…"), async () => {
      const tokens = this.#form.field("daily_tokens").value;
      await this.#api.setCap(this.#capped === "no" ? null : whole(tokens));
      this.#typed = false;
      await this.#setup.refresh();
      return t("Saved");
    });
  }

  #changed() {
    this.#typed = true;
    this.#form.field("daily_tokens").disabled = this.#capped === "no";
  }

  get #capped() {
    return String(new FormData(this.#element).get("capped"));
  }

  /** @param {Usage} usage */
  #show({ spent, held, cap }) {
    part(this.panel, "spent").textContent = count(spent);
    part(this.panel, "of").textContent =
      cap === null ? t("tokens today, no cap") : t("of {cap} tokens today", { cap: count(cap) });
    const bar = find(this.panel, "progress", HTMLProgressElement);
    bar.hidden = cap === null;
    bar.max = Math.max(cap ?? 1, 1);
    bar.value = Math.min(spent + held, bar.max);
    bar.dataset["full"] = String(cap !== null && spent + held >= cap);
    part(this.panel, "held").textContent = held
      ? t("{held} more are held for answers that are being written.", { held: count(held) })
      : "";
    if (!this.#typed) this.#fill(cap);
  }

  /** @param {number | null} cap */
  #fill(cap) {
    for (const choice of this.#element.querySelectorAll("[name=capped]")) {
      if (choice instanceof HTMLInputElement) choice.checked = choice.value === (cap === null ? "no" : "yes");
    }
    this.#form.field("daily_tokens").value = cap === null ? "" : count(cap);
    this.#form.field("daily_tokens").disabled = cap === null;
  }
}
