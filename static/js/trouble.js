/** What a person is told when something did not work. */

import { HostMissing } from "./host.js";
import { Problem, Unreachable } from "./http.js";
import { t } from "./i18n.js";

/**
 * @param {unknown} error
 * @returns {string} what happened and what helps
 */
export function explain(error) {
  if (error instanceof Problem) {
    const [field] = Object.values(error.fields);
    return field ?? error.message;
  }
  if (error instanceof HostMissing) return t("Jira does not answer. It is tried again.");
  if (error instanceof Unreachable) return t("The assistant’s server cannot be reached.");
  throw error;
}

/** Whether the server has judged, so that asking again would help nothing. @param {unknown} error */
export function isFinal(error) {
  return error instanceof Problem && error.status < 500 && error.status !== 429;
}

const WAITS = [1000, 2000, 5000, 10_000];

/** Wait longer after each failure. @param {number} tries how many there were before */
export function patience(tries) {
  return new Promise((go) => setTimeout(go, WAITS[Math.min(tries, WAITS.length - 1)]));
}
