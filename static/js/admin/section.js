import { clone, part } from "../dom.js";
import { told } from "./words.js";

/**
 * What stands below a tab: bones while it loads, then its body, or what went wrong and a button
 * that tries again. A section is loaded when it is first looked at.
 */
export class Section {
  #body;
  #load;
  /** @type {Promise<void> | null} */
  #loading = null;
  /** @type {HTMLElement | null} */
  #instead = null;
  #loaded = false;

  /**
   * @param {HTMLElement} panel
   * @param {() => Promise<void>} load fills the body; what it throws is shown
   */
  constructor(panel, load) {
    this.panel = panel;
    this.#load = load;
    const body = panel.querySelector(".section-body");
    if (!(body instanceof HTMLElement)) throw new Error(`#${panel.id} has no body`);
    this.#body = body;
  }

  /** Load it unless that was done. */
  async show() {
    if (!this.#loaded) await this.reload();
  }

  /** Load it again: what stands there stays until there is something newer. */
  reload() {
    this.#loading ??= this.#reload().finally(() => {
      this.#loading = null;
    });
    return this.#loading;
  }

  async #reload() {
    this.panel.setAttribute("aria-busy", "true");
    if (!this.#loaded) this.#put(clone("loading"));
    try {
      await this.#load();
      this.#loaded = true;
      this.#put(null);
    } catch (error) {
      this.#put(this.#failure(error));
    } finally {
      this.panel.removeAttribute("aria-busy");
    }
  }

  /** @param {unknown} error */
  #failure(error) {
    const notice = clone("failed");
    part(notice, "why").textContent = told(error);
    part(notice, "retry").addEventListener("click", () => {
      this.panel.focus({ preventScroll: true });
      void this.reload();
    });
    return notice;
  }

  /** @param {HTMLElement | null} instead of what stood above the body; null: nothing */
  #put(instead) {
    this.#instead?.remove();
    this.#instead = instead;
    if (instead) this.#body.before(instead);
    this.#body.hidden = !this.#loaded;
  }
}
