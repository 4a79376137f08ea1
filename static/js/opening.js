/**
 * A page that comes with nothing filled in: a session is opened first, then the page is asked for.
 *
 * Connect's pages come from our server, which has looked who looks; Forge's come from Atlassian.
 */

import { clone, find, part } from "./dom.js";
import { Api, Problem, sessionBy } from "./http.js";
import { explain, isFinal, patience } from "./trouble.js";

/** @typedef {import("./http.js").Session} Session */

/**
 * What the panel is told, with the sessions that were opened on the way.
 *
 * Most who look at the panel work the issue, so the team's thread is asked for first.
 *
 * @param {string} base our URL
 * @param {import("./host.js").Host} host
 * @param {string} issueId
 * @param {(trouble: string) => void} tell what is in the way; empty once it is gone
 * @returns {Promise<import("./chat/panel.js").IssueShell>}
 */
export async function issueShell(base, host, issueId, tell) {
  /** @param {"internal" | "public"} audience */
  const session = (audience) => sessionBy(host, "/api/sessions", { issue_id: issueId, audience });
  const sessions = { internal: session("internal"), public: session("public") };
  return insist(async () => {
    const { readable, threadId } = await anyThread(sessions);
    const path = `/api/threads/${threadId}/panel`;
    const shell = await new Api(base, readable).call("GET", path);
    return {
      base,
      id: issueId,
      audiences: shell.audiences,
      first: shell.first,
      isReporter: shell.is_reporter,
      session: (audience) => sessions[audience],
    };
  }, tell);
}

/** @param {{internal: Session, public: Session}} sessions */
async function anyThread(sessions) {
  try {
    const { thread_id: threadId } = await sessions.internal.current();
    return { readable: sessions.internal, threadId };
  } catch (error) {
    if (!(error instanceof Problem && error.status === 403)) throw error;
    const { thread_id: threadId } = await sessions.public.current();
    return { readable: sessions.public, threadId };
  }
}

/**
 * Until it works, or was judged.
 *
 * @template T
 * @param {() => Promise<T>} attempt
 * @param {(trouble: string) => void} tell
 * @returns {Promise<T>}
 */
export async function insist(attempt, tell) {
  for (let tries = 0; ; tries += 1) {
    try {
      const done = await attempt();
      tell("");
      return done;
    } catch (error) {
      if (isFinal(error)) throw error;
      tell(explain(error));
      await patience(tries);
    }
  }
}

/**
 * Say why there is nothing to see, in the page's stead.
 *
 * @param {HTMLElement} app
 * @param {unknown} error that judged, or a name such as `OUTSIDE`
 */
export function refuse(app, error) {
  const code = error instanceof Problem ? codeOf(error) : String(error);
  const known = document.querySelector(`template#refusal-${code}`);
  const refusal = clone(known ? `refusal-${code}` : "refusal-other");
  if (!known) part(refusal, "text").textContent = explain(error);
  app.className = "";
  app.replaceChildren(refusal);
}

/** @param {Problem} problem */
function codeOf(problem) {
  return problem.status === 404 ? "NOT_FOUND" : problem.code.replace(/[^A-Z_]/g, "") || "other";
}

/**
 * The panel before anything of it is known; what is in the way is told below.
 *
 * @param {HTMLElement} app
 * @returns {(trouble: string) => void}
 */
export function expectPanel(app) {
  const expected = clone("conversation-template");
  find(app, "#conversations", HTMLElement).append(expected);
  const line = part(expected, "standing");
  part(line, "busy").hidden = true;
  line.classList.add("danger");
  return (trouble) => {
    if (trouble === "") expected.remove();
    part(line, "standing-text").textContent = trouble;
    line.hidden = trouble === "";
  };
}
