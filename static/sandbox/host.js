// The page around an app's frame, as Jira is around it: answers what the frame asks through
// `AP` (all.js) and tells it when the theme changes. Only the app's own frame, on the app's own
// origin, is heard, and only that origin is answered.
// @ts-check

import { colorMode, CHANGED } from "./look.js";

/**
 * What the site knows of a frame, from its `data-frame`.
 * @typedef {object} Facts
 * @property {string} url signed for this viewer and moment
 * @property {string} viewer the name by which the site's pages call who looks
 * @property {string} issue its key, or empty
 * @property {string} locale
 * @property {object} user
 * @property {object} context
 */

class Frame {
  /** @type {Frame[]} */ static all = [];

  /** @type {HTMLIFrameElement} */ #element;
  /** @type {Facts} */ #facts;
  /** @type {string} */ #origin;
  /** @type {Record<string, (...args: any[]) => any>} */ #calls = {
    "context.getToken": () => this.#token(),
    "context.getContext": () => this.#facts.context,
    "user.getLocale": () => this.#facts.locale,
    "user.getCurrentUser": () => this.#facts.user,
    "theming.initializeTheming": () => this.#theme(),
    "events.emit": (name, args) => this.#emit(name, args),
    resize: (width, height) => this.#resize(width, height),
    sizeToParent: () => this.#element.classList.add("frame-page"),
  };

  /** @param {HTMLIFrameElement} element */
  constructor(element) {
    this.#element = element;
    this.#facts = JSON.parse(element.dataset.frame ?? "");
    this.#origin = new URL(this.#facts.url).origin;
    addEventListener("message", (event) => this.#hear(event));
    element.src = this.#facts.url; // not before somebody listens here
  }

  /** @param {MessageEvent} event */
  async #hear(event) {
    if (event.source !== this.#element.contentWindow || event.origin !== this.#origin) return;
    const { connect, id, call, args } = event.data ?? {};
    if (connect !== "ask") return;
    try {
      if (!Object.hasOwn(this.#calls, call)) throw new Error(`AP has no ${call}`);
      this.#post({ connect: "answer", id, value: await this.#calls[call](...args) });
    } catch (error) {
      this.#post({ connect: "answer", id, error: String(error) });
    }
  }

  async #token() {
    const { viewer, issue } = this.#facts;
    const answer = await fetch("/frames/token", {
      method: "POST",
      body: new URLSearchParams({ as: viewer, issue }),
    });
    if (!answer.ok) throw new Error(`no context token: ${answer.status}`);
    return (await answer.json()).token;
  }

  async #theme() {
    const themes = await fetch("/static/themes.css");
    document.addEventListener(CHANGED, this.#tellTheme);
    return { css: await themes.text(), mode: colorMode() };
  }

  #tellTheme = () => this.#post({ connect: "tell", about: "theme", value: colorMode() });

  /**
   * @param {string} name
   * @param {unknown[]} args
   */
  #emit(name, args) {
    const others = Frame.all.filter((frame) => frame !== this && frame.#origin === this.#origin);
    for (const frame of others) {
      frame.#post({ connect: "tell", about: "event", value: { name, args } });
    }
  }

  /**
   * @param {string | number} width
   * @param {string | number} height
   */
  #resize(width, height) {
    const [wide, high] = [width, height].map((length) =>
      /\d$/.test(String(length)) ? `${length}px` : String(length),
    );
    this.#element.style.width = wide;
    this.#element.style.height = high;
  }

  /** @param {object} message */
  #post(message) {
    this.#element.contentWindow?.postMessage(message, this.#origin);
  }
}

for (const element of document.querySelectorAll("iframe[data-frame]")) {
  if (element instanceof HTMLIFrameElement) Frame.all.push(new Frame(element));
}
