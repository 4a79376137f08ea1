/** Our API as the pages call it: a bearer session that renews itself, errors that say what to do. */

import { locale } from "./i18n.js";

/** The API said no, with a problem document (RFC 9457). `message` is for people, in their
 * language. */
export class Problem extends Error {
  /**
   * @param {number} status
   * @param {{title?: string, detail?: string, code?: string, fields?: Record<string, string>}} body
   */
  constructor(status, body) {
    super(body.detail || body.title || `HTTP ${status}`);
    this.status = status;
    this.code = body.code ?? "";
    /** What is wrong, by the name of the field. */
    this.fields = body.fields ?? {};
  }
}

/** No answer came: the network, or nobody there. Whether it took effect is unknown. */
export class Unreachable extends Error {}

/**
 * @typedef {{token: string, expires_at: string, thread_id?: string}} Granted
 * `expires_at` is an ISO instant.
 */

const EARLY = 60_000;

/** A session token that is fetched when first needed, and anew a minute before its end. */
export class Session {
  #open;
  /** @type {Granted | undefined} */
  #granted;
  /** @type {Promise<Granted> | undefined} */
  #opening;

  /** @param {() => Promise<Granted>} open asks for a new one */
  constructor(open) {
    this.#open = open;
  }

  /** @returns {Promise<Granted>} one that still holds for a while */
  async current() {
    if (this.#granted && this.expiresIn() > EARLY) return this.#granted;
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    this.#granted = await this.#opening;
    return this.#granted;
  }

  /** Milliseconds until the end of the present token; 0 without one. */
  expiresIn() {
    return this.#granted ? Date.parse(this.#granted.expires_at) - Date.now() : 0;
  }

  /** The server refused it: ask for another at the next need. */
  forget() {
    this.#granted = undefined;
  }
}

/** Calls with a session. A refused token is renewed once, and the call made again. */
export class Api {
  #base;
  #session;

  /**
   * @param {string} base the app's path, or its whole URL
   * @param {Session} session
   */
  constructor(base, session) {
    this.#base = base;
    this.#session = session;
  }

  /**
   * @param {string} method
   * @param {string} path from `/api/…` on
   * @param {unknown} [body] sent as JSON
   * @param {AbortSignal} [signal]
   * @returns {Promise<any>} the answer's JSON; undefined where it has no body
   */
  async call(method, path, body, signal) {
    for (let again = true; ; again = false) {
      const { token } = await this.#session.current();
      try {
        return await request(method, this.#base + path, { bearer: token, body, signal });
      } catch (error) {
        if (!(again && error instanceof Problem && error.status === 401)) throw error;
        this.#session.forget();
      }
    }
  }
}

/**
 * One request; problem documents become `Problem`.
 *
 * @param {string} method
 * @param {string} url
 * @param {{bearer?: string, jwt?: string, body?: unknown, signal?: AbortSignal}} [options]
 * @returns {Promise<any>}
 */
export async function request(method, url, { bearer, jwt, body, signal } = {}) {
  const headers = new Headers({ Accept: "application/json", "Accept-Language": locale() });
  if (bearer) headers.set("Authorization", `Bearer ${bearer}`);
  if (jwt) headers.set("Authorization", `JWT ${jwt}`);
  if (body !== undefined) headers.set("Content-Type", "application/json");
  const sent = body === undefined ? undefined : JSON.stringify(body);
  let answer;
  let text;
  try {
    answer = await fetch(url, { method, headers, body: sent, signal, credentials: "omit" });
    text = await answer.text();
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new Unreachable();
  }
  if (!answer.ok) throw new Problem(answer.status, json(text) ?? {});
  return json(text);
}

/** @param {string} text */
function json(text) {
  try {
    return text ? JSON.parse(text) : undefined;
  } catch {
    return undefined;
  }
}

/**
 * A session that Jira's frame opens for who looks.
 *
 * @param {import("./host.js").Host} host
 * @param {string} path `/api/sessions` or `/api/admin/sessions`
 * @param {object} [body]
 * @returns {Session}
 */
export function sessionBy(host, path, body = {}) {
  return new Session(() => host.open(path, body));
}
