// The page around an app's frame, as Jira is around one of Forge's: answers what @forge/bridge
// asks there, and makes its remote calls through the site. Only the app's own frame, on its own
// origin, is heard, and only that origin is answered.
// @ts-check

import { colorMode, CHANGED } from "./look.js";

/**
 * What the site knows of a frame, from its `data-forge-frame`.
 * @typedef {object} Facts
 * @property {string} url
 * @property {string} viewer the name by which the site's pages call who looks
 * @property {string} module its key in the manifest
 * @property {string} issue its key, or empty
 * @property {object} context what `view.getContext()` gives
 */

class ForgeFrame {
  /** @type {HTMLIFrameElement} */ #element;
  /** @type {Facts} */ #facts;
  /** @type {string} */ #origin;
  /** @type {Record<string, (payload: any) => any>} */ #commands = {
    getContext: () => this.#facts.context,
    invoke: (payload) => this.#invoke(payload),
    enableTheming: () => this.#theme(),
    navigate: ({ url, type }) => this.#navigate(url, type),
    resize: ({ height }) => {
      this.#element.style.height = `${height}px`;
    },
  };

  /** @param {HTMLIFrameElement} element */
  constructor(element) {
    this.#element = element;
    this.#facts = JSON.parse(element.dataset.forgeFrame ?? "");
    this.#origin = new URL(this.#facts.url).origin;
    addEventListener("message", (event) => this.#hear(event));
    element.src = this.#facts.url; // not before somebody listens here
  }

  /** @param {MessageEvent} event */
  async #hear(event) {
    if (event.source !== this.#element.contentWindow || event.origin !== this.#origin) return;
    const { forge, id, command, payload } = event.data ?? {};
    if (forge !== "ask") return;
    try {
      if (!Object.hasOwn(this.#commands, command)) throw new Error(`no ${command}`);
      this.#post({ forge: "answer", id, value: await this.#commands[command](payload) });
    } catch (error) {
      this.#post({ forge: "answer", id, error: String(error) });
    }
  }

  /** @param {{invokeType: string, path: string, method: string, headers?: object, body?: unknown}} call */
  async #invoke({ invokeType, path, method, headers, body }) {
    if (invokeType !== "ui-remote-fetch") throw new Error(`no ${invokeType}`);
    const { viewer, module, issue } = this.#facts;
    const answer = await fetch("/frames/forge", {
      method: "POST",
      body: new URLSearchParams({
        as: viewer,
        module,
        issue,
        path,
        method,
        headers: JSON.stringify(headers ?? {}),
        body: body === undefined ? "" : JSON.stringify(body),
      }),
    });
    if (!answer.ok) throw new Error(`the remote was not reached: ${answer.status}`);
    return answer.json();
  }

  async #theme() {
    const themes = await fetch("/static/themes.css");
    document.addEventListener(CHANGED, this.#tellTheme);
    return { css: await themes.text(), mode: colorMode() };
  }

  #tellTheme = () => this.#post({ forge: "theme", mode: colorMode() });

  /**
   * @param {string} url
   * @param {"same-tab" | "new-tab"} type
   */
  #navigate(url, type) {
    if (!/^https?:/.test(url)) throw new Error("no web address");
    if (type === "new-tab") open(url, "_blank", "noopener");
    else location.assign(url);
  }

  /** @param {object} message */
  #post(message) {
    this.#element.contentWindow?.postMessage(message, this.#origin);
  }
}

for (const element of document.querySelectorAll("iframe[data-forge-frame]")) {
  if (element instanceof HTMLIFrameElement) new ForgeFrame(element);
}
