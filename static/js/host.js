/**
 * What the page needs of Jira, which frames it. One adapter for each way of being framed.
 *
 * `ConnectHost` speaks to Connect's frame script (`all.js`), the only global that its page has;
 * `forge/host.js` to Forge's bridge. `Nobody` stands for Jira where a page is not in its frame.
 */

import { request } from "./http.js";

/**
 * @typedef {object} Host
 * @property {(path: string, body: object) => Promise<import("./http.js").Granted>} open
 *   a session of ours, by Jira's word for who looks: `/api/sessions` or `/api/admin/sessions`.
 *   Throws `Problem`, `Unreachable` or `HostMissing`
 * @property {() => Promise<string>} locale such as `en-US`
 * @property {() => void} theme follow Jira's theme from now on
 * @property {(element: Element) => void} fit keep the frame as high as the element
 */

/**
 * @typedef {object} FrameScript what we use of `AP`
 * @property {{getToken: (done: (token: string) => void) => unknown}} context
 * @property {{getLocale: (done: (locale: string) => void) => unknown}} user
 * @property {{initializeTheming: () => unknown}} [theming]
 * @property {(width: string, height: string) => void} resize
 */

/** Jira does not answer, or is not there. */
export class HostMissing extends Error {}

const PATIENCE = 10_000;
const SHORTLY = 3000; // the page waits for it, and can do without

/** @implements {Host} */
export class ConnectHost {
  #base;
  #script;

  /**
   * @param {string} base the app's path
   * @param {FrameScript | undefined} script `window.AP`
   */
  constructor(base, script = /** @type {any} */ (window).AP) {
    this.#base = base;
    this.#script = script;
  }

  /**
   * @param {string} path
   * @param {object} body
   * @returns {Promise<import("./http.js").Granted>}
   */
  async open(path, body) {
    /** @type {string} */
    const jwt = await this.#ask((script, done) => script.context.getToken(done));
    return request("POST", this.#base + path, { jwt, body });
  }

  /** @returns {Promise<string>} */
  locale() {
    return this.#ask((script, done) => script.user.getLocale(done), SHORTLY);
  }

  theme() {
    this.#script?.theming?.initializeTheming();
  }

  /** @param {Element} element */
  fit(element) {
    let told = 0;
    new ResizeObserver(() => {
      const height = Math.ceil(element.getBoundingClientRect().height);
      if (height && height !== told) {
        told = height;
        this.#script?.resize("100%", `${height}px`);
      }
    }).observe(element);
  }

  /**
   * @param {(script: FrameScript, done: (value: string) => void) => unknown} question
   * @param {number} [patience] milliseconds
   * @returns {Promise<string>}
   */
  #ask(question, patience = PATIENCE) {
    const script = this.#script;
    if (!script) return Promise.reject(new HostMissing());
    const answer = new Promise((resolve) => question(script, resolve));
    return within(patience, answer);
  }
}

/**
 * A page that nobody frames: in the system's theme, the browser's language, and without a session.
 *
 * @implements {Host}
 */
export class Nobody {
  /** @returns {Promise<never>} */
  open() {
    return Promise.reject(new HostMissing());
  }

  async locale() {
    return navigator.language;
  }

  theme() {}

  fit() {}
}

/**
 * @template T
 * @param {number} patience milliseconds
 * @param {Promise<T>} answer
 * @returns {Promise<T>} the answer, or `HostMissing`
 */
export function within(patience, answer) {
  return new Promise((resolve, reject) => {
    const waiting = setTimeout(() => reject(new HostMissing()), patience);
    answer.then(resolve, reject).finally(() => clearTimeout(waiting));
  });
}
