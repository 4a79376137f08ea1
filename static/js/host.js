/**
 * What the page needs of Jira, which frames it.
 *
 * `ConnectHost` speaks to Connect's frame script (`all.js`), the only global that a page has.
 */

/**
 * @typedef {object} Host
 * @property {() => Promise<string>} token a fresh context token: who looks, at which issue
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

/** Jira's frame script did not come or does not answer. */
export class HostMissing extends Error {}

const PATIENCE = 10_000;
const SHORTLY = 3000; // the page waits for it, and can do without

/** @implements {Host} */
export class ConnectHost {
  #script;

  /** @param {FrameScript | undefined} script `window.AP` */
  constructor(script = /** @type {any} */ (window).AP) {
    this.#script = script;
  }

  /** @returns {Promise<string>} */
  token() {
    return this.#ask((script, done) => script.context.getToken(done));
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
    return new Promise((resolve, reject) => {
      if (!this.#script) {
        reject(new HostMissing());
        return;
      }
      const waiting = setTimeout(() => reject(new HostMissing()), patience);
      question(this.#script, (value) => {
        clearTimeout(waiting);
        resolve(value);
      });
    });
  }
}
