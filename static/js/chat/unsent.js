/** Messages on their way, below those that have arrived. */

import { clone, part } from "../dom.js";
import { t } from "../i18n.js";
import { colour, initials } from "./people.js";

const SKEW = 2000; // milliseconds between two clocks

export class UnsentView {
  #list;
  #outbox;
  #composer;
  #shown = "";

  /**
   * @param {HTMLElement} list
   * @param {import("./outbox.js").Outbox} outbox
   * @param {import("./composer.js").Composer} composer takes back what is to be changed
   */
  constructor(list, outbox, composer) {
    this.#list = list;
    this.#outbox = outbox;
    this.#composer = composer;
  }

  /**
   * @param {readonly import("./thread.js").Item[]} items that have arrived
   * @param {string} viewer account id
   * @param {string} name the viewer's
   */
  show(items, viewer, name) {
    const waiting = this.#outbox.messages.filter((message) => {
      const here = items.some((item) => {
        return item.author === viewer && item.text === message.text && item.at > message.at - SKEW;
      });
      return message.state === "failed" || !here;
    });
    const state = JSON.stringify([name, ...waiting.map((one) => [one.client_id, one.state, one.error])]);
    if (state === this.#shown) return;
    this.#shown = state;
    const made = waiting.map((message) => this.#element(message));
    for (const element of made) {
      const avatar = part(element, "avatar");
      avatar.classList.add(colour(viewer));
      avatar.textContent = initials(name);
    }
    this.#list.replaceChildren(...made);
  }

  /** @param {import("./outbox.js").Message} message */
  #element({ client_id: id, text, state, error }) {
    const made = clone("unsent-template");
    const failed = state === "failed";
    part(made, "text").textContent = text;
    part(made, "state").textContent = failed ? t("Not sent") : t("Sending…");
    part(made, "state").classList.toggle("danger", failed);
    part(made, "error").textContent = error;
    part(made, "error").hidden = !failed || error === "";
    part(made, "actions").hidden = !failed;
    part(made, "again").addEventListener("click", () => this.#outbox.again(id));
    part(made, "edit").addEventListener("click", () => {
      this.#outbox.drop(id);
      this.#composer.giveBack(text);
    });
    return made;
  }
}
