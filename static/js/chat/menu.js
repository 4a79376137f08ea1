/** "More actions": pausing and resuming the assistant on this issue. */

import { find } from "../dom.js";

export class Menu {
  #root = find(document, "#more", HTMLElement);
  #button = find(document, "#more-button", HTMLButtonElement);
  #menu = find(document, "#more-menu", HTMLElement);
  #pause = find(document, "#pause", HTMLButtonElement);
  #resume = find(document, "#resume", HTMLButtonElement);

  /** @param {(what: "pause" | "resume") => unknown} ask */
  constructor(ask) {
    this.#button.addEventListener("click", () => this.#open(this.#menu.hidden !== false));
    this.#pause.addEventListener("click", () => this.#do(() => ask("pause")));
    this.#resume.addEventListener("click", () => this.#do(() => ask("resume")));
    this.#root.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !this.#menu.hidden) this.#close();
      if (event.key === "ArrowDown" && event.target === this.#button) {
        event.preventDefault();
        this.#open(true);
      }
    });
    document.addEventListener("pointerdown", (event) => {
      if (event.target instanceof Node && !this.#root.contains(event.target)) this.#open(false);
    });
    this.#root.addEventListener("focusout", (event) => {
      if (event.relatedTarget instanceof Node && !this.#root.contains(event.relatedTarget)) {
        this.#open(false);
      }
    });
  }

  /**
   * @param {import("./thread.js").Thread} thread
   * @param {{work: boolean}} may
   */
  show({ restingUntil, mode }, may) {
    const rests = restingUntil !== null && Date.parse(restingUntil) > Date.now();
    this.#root.hidden = !may.work || mode === "off";
    this.#pause.hidden = rests;
    this.#resume.hidden = !rests;
  }

  /** @param {boolean} open */
  #open(open) {
    this.#menu.hidden = !open;
    this.#button.setAttribute("aria-expanded", String(open));
    if (open) (this.#pause.hidden ? this.#resume : this.#pause).focus();
  }

  #close() {
    this.#open(false);
    this.#button.focus();
  }

  /** @param {() => unknown} action */
  #do(action) {
    this.#close();
    action();
  }
}
