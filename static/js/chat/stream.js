/**
 * A thread's events as they happen, through every cut: it comes back with its last id.
 *
 * `fetch` and a reader, not `EventSource`, which takes no `Authorization` header.
 */

import { Problem } from "../http.js";
import { EventParser } from "./sse.js";

/**
 * @typedef {"connecting" | "live" | "offline" | "refused"} Connection
 * `offline`: the browser has no network; `refused`: the right to read is gone, or the thread.
 */

/**
 * @typedef {object} Listener
 * @property {(event: import("./thread.js").StreamEvent) => void} onEvent
 * @property {(connection: Connection) => void} onConnection
 * @property {() => string | null} lastEventId
 */

const FIRST_WAIT = 500;
const LONGEST_WAIT = 20_000;
const SILENCE = 40_000; // the server says something every 15 s
const HIDDEN_FOR = 60_000; // then a page that nobody sees gives its connection back

export class Stream {
  #url;
  #session;
  #listener;
  #tries = 0;
  #running = false;
  /** @type {AbortController | undefined} */
  #connection;
  /** @type {(() => void) | undefined} */
  #wake;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #hiding;

  /**
   * @param {string} url of the events
   * @param {import("../http.js").Session} session
   * @param {Listener} listener
   */
  constructor(url, session, listener) {
    this.#url = url;
    this.#session = session;
    this.#listener = listener;
  }

  start() {
    if (this.#running) return;
    this.#running = true;
    addEventListener("online", this.#goOn);
    addEventListener("offline", this.#cut);
    document.addEventListener("visibilitychange", this.#seen);
    void this.#run();
  }

  stop() {
    this.#running = false;
    removeEventListener("online", this.#goOn);
    removeEventListener("offline", this.#cut);
    document.removeEventListener("visibilitychange", this.#seen);
    clearTimeout(this.#hiding);
    this.#connection?.abort();
    this.#wake?.();
  }

  async #run() {
    while (this.#running) {
      this.#listener.onConnection(navigator.onLine ? "connecting" : "offline");
      const refused = navigator.onLine && !this.#hidden() && (await this.#follow());
      if (!this.#running) return;
      if (refused) {
        this.#listener.onConnection("refused");
        this.stop();
        return;
      }
      await this.#pause();
    }
  }

  /**
   * Read until the stream ends, however it does.
   *
   * @returns {Promise<boolean>} true: there is nothing to come back for
   */
  async #follow() {
    const connection = new AbortController();
    this.#connection = connection;
    try {
      const answer = await this.#open(connection.signal);
      if (answer.status === 401) this.#session.forget();
      if (answer.status === 403 || answer.status === 404) return true;
      if (!answer.ok || !answer.body) return false;
      await this.#read(answer.body.getReader(), connection);
    } catch (error) {
      return error instanceof Problem && (error.status === 403 || error.status === 404);
    }
    return false;
  }

  /** @param {AbortSignal} signal */
  async #open(signal) {
    const { token } = await this.#session.current();
    const headers = new Headers({ Accept: "text/event-stream", Authorization: `Bearer ${token}` });
    const last = this.#listener.lastEventId();
    if (last) headers.set("Last-Event-ID", last);
    return fetch(this.#url, { headers, signal, cache: "no-store" });
  }

  /**
   * @param {ReadableStreamDefaultReader<Uint8Array>} reader
   * @param {AbortController} connection
   */
  async #read(reader, connection) {
    const decoder = new TextDecoder();
    const parser = new EventParser();
    this.#listener.onConnection("live");
    for (;;) {
      const silence = setTimeout(() => connection.abort(), SILENCE);
      const { done, value } = await reader.read().finally(() => clearTimeout(silence));
      if (done) return;
      this.#tries = 0;
      for (const event of parser.push(decoder.decode(value, { stream: true }))) {
        this.#listener.onEvent({ id: event.id, data: JSON.parse(event.data) });
      }
    }
  }

  /** Wait longer after each failure; no two pages alike. Being online or seen again ends it. */
  #pause() {
    const most = Math.min(FIRST_WAIT * 2 ** this.#tries, LONGEST_WAIT);
    const wait = navigator.onLine && !this.#hidden() ? most * (0.5 + Math.random() / 2) : 2 ** 30;
    this.#tries += 1;
    return new Promise((resolve) => {
      const waiting = setTimeout(() => this.#wake?.(), wait);
      this.#wake = () => {
        clearTimeout(waiting);
        this.#wake = undefined;
        resolve(undefined);
      };
    });
  }

  #goOn = () => {
    this.#tries = 0;
    this.#wake?.();
  };

  #cut = () => {
    this.#connection?.abort();
    this.#listener.onConnection("offline");
  };

  #seen = () => {
    clearTimeout(this.#hiding);
    if (document.visibilityState === "visible") this.#goOn();
    else this.#hiding = setTimeout(() => this.#give(), HIDDEN_FOR);
  };

  #gaveBack = false;

  #give() {
    this.#gaveBack = true;
    this.#connection?.abort();
  }

  #hidden() {
    if (document.visibilityState === "visible") this.#gaveBack = false;
    return this.#gaveBack;
  }
}
