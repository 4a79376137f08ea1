/** Names of those who wrote on a thread. They are asked for, shown, and kept by nobody. */

import { t } from "../i18n.js";

const MOST = 90;
const AGAIN = 30_000;

export class People {
  #api;
  #threadId;
  #changed;
  /** @type {Map<string, string>} */
  #names = new Map();
  /** @type {Map<string, number>} */
  #asked = new Map();
  /** @type {Set<string>} */
  #wanted = new Set();

  /**
   * @param {import("../http.js").Api} api
   * @param {string} threadId
   * @param {() => void} changed called when more names are known
   */
  constructor(api, threadId, changed) {
    this.#api = api;
    this.#threadId = threadId;
    this.#changed = changed;
  }

  /**
   * @param {string | null} accountId
   * @param {string} unknown what stands for it until it is known
   * @returns {string} the name
   */
  name(accountId, unknown = t("Someone")) {
    const name = accountId === null ? undefined : this.#names.get(accountId);
    if (accountId !== null && name === undefined) this.#want(accountId);
    return name ?? unknown;
  }

  /** @param {string} accountId */
  #want(accountId) {
    if ((this.#asked.get(accountId) ?? 0) > Date.now() - AGAIN) return;
    this.#asked.set(accountId, Date.now());
    if (this.#wanted.size === 0) setTimeout(() => this.#fetch(), 0);
    this.#wanted.add(accountId);
  }

  async #fetch() {
    const ids = [...this.#wanted];
    this.#wanted.clear();
    for (let at = 0; at < ids.length; at += MOST) {
      const asked = ids.slice(at, at + MOST).map(encodeURIComponent).join(",");
      const path = `/api/threads/${this.#threadId}/people?ids=${asked}`;
      const found = await this.#api.call("GET", path).catch(() => ({}));
      for (const [id, { name }] of Object.entries(found)) this.#names.set(id, name);
    }
    this.#changed();
  }
}

/** Two letters of a name. @param {string} name */
export function initials(name) {
  const words = name.trim().split(/\s+/);
  const last = words.length > 1 ? words[words.length - 1] : "";
  return [words[0], last].map((word) => [...(word ?? "")][0] ?? "").join("").toUpperCase();
}

/** One of five colours, always the same for one person. @param {string} accountId */
export function colour(accountId) {
  let sum = 0;
  for (const char of accountId) sum = (sum * 31 + char.charCodeAt(0)) % 1009;
  return `colour-${(sum % 5) + 1}`;
}
