/**
 * The admin API, call by call. Every call throws `Problem` or `Unreachable`.
 *
 * @typedef {import("./types.js").Overview} Overview
 * @typedef {import("./types.js").Workflow} Workflow
 * @typedef {import("./types.js").Definition} Definition
 * @typedef {import("./types.js").Project} Project
 * @typedef {import("./types.js").SettingChange} SettingChange
 * @typedef {import("./types.js").Trial} Trial
 * @typedef {import("./types.js").Finding} Finding
 * @typedef {import("./types.js").TurnLine} TurnLine
 */

export class AdminApi {
  #api;

  /** @param {import("../http.js").Api} api with an admin session */
  constructor(api) {
    this.#api = api;
  }

  /** @returns {Promise<Overview>} */
  overview() {
    return this.#api.call("GET", "/api/admin/overview");
  }

  /**
   * Try a key at OpenAI and keep it.
   *
   * @param {string} key
   * @param {string} baseUrl empty for OpenAI's own
   * @returns {Promise<void>}
   */
  setKey(key, baseUrl) {
    return this.#api.call("PUT", "/api/admin/key", { key, base_url: baseUrl || null });
  }

  /** @returns {Promise<void>} */
  removeKey() {
    return this.#api.call("DELETE", "/api/admin/key");
  }

  /** @returns {Promise<Workflow>} */
  workflow() {
    return this.#api.call("GET", "/api/admin/workflow");
  }

  /**
   * @param {object} definition as typed; the server judges it
   * @returns {Promise<void>}
   */
  saveDraft(definition) {
    return this.#api.call("PUT", "/api/admin/workflow", { definition });
  }

  /** @returns {Promise<void>} */
  publish() {
    return this.#api.call("POST", "/api/admin/workflow/publish");
  }

  /**
   * @param {string} query empty for all
   * @param {AbortSignal} [signal]
   * @returns {Promise<{projects: Project[], more: boolean}>}
   */
  projects(query, signal) {
    const sought = query ? `?${new URLSearchParams({ query })}` : "";
    return this.#api.call("GET", `/api/admin/projects${sought}`, undefined, signal);
  }

  /**
   * @param {string} id
   * @param {SettingChange} change
   * @returns {Promise<Project>} as it is now
   */
  setProject(id, change) {
    return this.#api.call("PUT", `/api/admin/projects/${encodeURIComponent(id)}`, change);
  }

  /**
   * @param {number | string | null} dailyTokens as typed; null is no cap
   * @returns {Promise<void>}
   */
  setCap(dailyTokens) {
    return this.#api.call("PUT", "/api/admin/limits", { daily_tokens: dailyTokens });
  }

  /**
   * @param {string} text
   * @param {string} clientId the same one again asks nothing twice
   * @param {string | undefined} threadId to go on with a conversation
   * @returns {Promise<Trial>}
   */
  tryOut(text, clientId, threadId) {
    const message = { text, client_id: clientId };
    const body = threadId ? { ...message, thread_id: threadId } : message;
    return this.#api.call("POST", "/api/admin/playground", body);
  }

  /** @returns {Promise<{findings: Finding[]}>} */
  doctor() {
    return this.#api.call("GET", "/api/admin/doctor");
  }

  /** @returns {Promise<{turns: TurnLine[]}>} */
  turns() {
    return this.#api.call("GET", "/api/admin/turns?limit=50");
  }
}
