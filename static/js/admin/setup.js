import { find, part } from "../dom.js";
import { t } from "../i18n.js";

/** @typedef {import("./types.js").Overview} Overview */

/** What is set up by now: asked once for everybody who shows a part of it. */
export class Setup {
  #api;
  /** @type {((now: Overview) => void)[]} */
  #watchers = [];

  /** @param {import("./api.js").AdminApi} api */
  constructor(api) {
    this.#api = api;
  }

  /** @param {(now: Overview) => void} watcher told whenever it was asked for */
  watch(watcher) {
    this.#watchers.push(watcher);
  }

  async refresh() {
    const now = await this.#api.overview();
    for (const watcher of this.#watchers) watcher(now);
  }
}

/** The short path from install to the first answer, ticked off. */
export class Checklist {
  #section;

  /**
   * @param {HTMLElement} section
   * @param {Setup} setup
   */
  constructor(section, setup) {
    this.#section = section;
    setup.watch((now) => this.#show(now));
  }

  /** @param {Overview} now */
  #show({ steps }) {
    let done = 0;
    let next = true;
    for (const [name, ticked] of Object.entries(steps)) {
      const step = this.#section.querySelector(`[data-step="${name}"]`);
      if (!(step instanceof HTMLElement)) continue;
      const state = ticked ? "done" : next ? "next" : "open";
      step.dataset["state"] = state;
      const link = find(step, "a", HTMLAnchorElement);
      if (state === "next") link.setAttribute("aria-current", "step");
      else link.removeAttribute("aria-current");
      part(step, "state").textContent = ticked ? t("Done") : t("To do");
      done += Number(ticked);
      next &&= ticked;
    }
    part(this.#section, "count").textContent =
      done === 4 ? t("All done") : t("{done} of 4 done", { done });
    find(this.#section, "progress", HTMLProgressElement).value = done;
    this.#section.dataset["complete"] = String(done === 4);
    this.#section.removeAttribute("aria-busy");
  }
}
