/** What the line above the composer says: the one thing that matters most now. Pure. */

import { t } from "../i18n.js";
import { isLive } from "./thread.js";
import { clock } from "./times.js";

/** @typedef {"stop" | "resume" | "retry"} Action */

/**
 * @typedef {object} Standing
 * @property {"quiet" | "busy" | "info" | "warning" | "danger"} look
 * @property {string} text empty: there is nothing to say
 * @property {readonly Action[]} actions
 */

/**
 * @typedef {object} Given
 * @property {import("./thread.js").Thread} thread
 * @property {import("./stream.js").Connection} connection
 * @property {boolean} late the connection has been missing for long enough to say so
 * @property {{comment: boolean, work: boolean}} may
 * @property {Date} now
 */

/** @type {Standing} */
const NOTHING = { look: "quiet", text: "", actions: [] };

/**
 * @param {Given} given
 * @returns {Standing}
 */
export function standingOf({ thread, connection, late, may, now }) {
  if (connection === "refused") {
    return { look: "warning", text: t("You may not see this conversation any more."), actions: [] };
  }
  if (connection === "offline") {
    const text = t("You are offline. What you write is kept, and sent when you are back.");
    return { look: "warning", text, actions: [] };
  }
  if (connection === "connecting" && late) {
    return { look: "busy", text: t("Connecting…"), actions: [] };
  }
  if (thread.turn !== null && isLive(thread.turn)) {
    const writes = thread.items.some((item) => item.streaming && item.text !== "");
    const text = writes ? t("The assistant is writing…") : t("The assistant is thinking…");
    return { look: "busy", text, actions: may.comment ? ["stop"] : [] };
  }
  const [rest, end] = [resting(thread, may, now), ended(thread, may)];
  const first = end?.look === "danger" ? end : (rest ?? end ?? NOTHING);
  return { ...first, actions: [...(end?.actions ?? []), ...(rest?.actions ?? [])] };
}

/**
 * @param {import("./thread.js").Thread} thread
 * @param {{work: boolean}} may
 * @param {Date} now
 * @returns {Standing | null}
 */
function resting({ restingUntil, restCause }, may, now) {
  if (restingUntil === null || Date.parse(restingUntil) <= now.getTime()) return null;
  const until = clock(new Date(restingUntil), now);
  const text =
    restCause === "paused"
      ? t("Paused until {until}. Comments are not answered.", { until })
      : t("A person took over. The assistant rests until {until}.", { until });
  return { look: "info", text, actions: may.work ? ["resume"] : [] };
}

/**
 * @param {import("./thread.js").Thread} thread
 * @param {{comment: boolean}} may
 * @returns {Standing | null}
 */
function ended({ turn, mode }, may) {
  if (turn?.state === "failed") {
    const text = turn.message ? t(turn.message) : t("The assistant could not answer.");
    return { look: "danger", text, actions: may.comment && mode !== "off" ? ["retry"] : [] };
  }
  if (turn?.state === "stopped" && turn.cause === "stopped") {
    const actions = /** @type {Action[]} */ (may.comment && mode !== "off" ? ["retry"] : []);
    return { look: "quiet", text: t("The answer was stopped."), actions };
  }
  return null;
}
