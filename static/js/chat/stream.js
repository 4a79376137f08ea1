/**
 * A thread's events as they happen, through every cut: it comes back with its last id.
 *
 * `fetch` and a reader, not `EventSource`, which takes no `Authorization` header. Where something
 * on the way lets no stream through, the thread is asked for again and again instead, and the
 * stream tried anew from time to time.
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
 * @property {() => Promise<any>} snapshot the thread as it is now: `GET /api/threads/{id}`
 */

/**
 * @typedef {"ended" | "silent" | "gone"} Outcome of a try to follow
 * `silent`: nothing of a stream came; `gone`: there is nothing to come back for
 */

const FIRST_WAIT = 500;
const LONGEST_WAIT = 20_000;
const SILENCE = 40_000; // the server says something every 15 s
const HIDDEN_FOR = 60_000; // then a page that nobody sees gives its connection back
const BEGINNING = 15_000; // a stream says something at once; what keeps it back collects answers
const MISSES = 2; // without a word: then it is polled
const POLLED_FOR = 60_000; // before the stream is tried again
const POLL = 2500;

export class Stream {
  #url;
  #session;
  #listener;
  #tries = 0;
  #misses = 0;
  #began = false;
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
      if (!this.#polls) this.#listener.onConnection(navigator.onLine ? "connecting" : "offline");
      let outcome = this.#idle() ? "ended" : await this.#follow();
      if (outcome === "silent" && navigator.onLine) this.#misses += 1;
      if (outcome === "silent" && this.#polls && !this.#idle()) outcome = await this.#poll();
      if (!this.#running) return;
      if (outcome === "gone") {
        this.#listener.onConnection("refused");
        this.stop();
        return;
      }
      await this.#pause();
    }
  }

  /** Whether nobody could follow, or would see it. */
  #idle() {
    return !navigator.onLine || this.#hidden();
  }

  get #polls() {
    return this.#misses >= MISSES;
  }

  /**
   * Read until the stream ends, however it does.
   *
   * @returns {Promise<Outcome>}
   */
  async #follow() {
    const connection = new AbortController();
    this.#connection = connection;
    this.#began = false;
    const beginning = setTimeout(() => {
      this.#misses = MISSES; // this long is proof enough
      connection.abort();
    }, BEGINNING);
    try {
      const answer = await this.#open(connection.signal);
      if (answer.status === 401) this.#session.forget();
      if (isGone(answer.status)) return "gone";
      if (answer.ok && answer.body && isStream(answer)) {
        await this.#read(answer.body.getReader(), connection, beginning);
      }
    } catch (error) {
      if (error instanceof Problem && isGone(error.status)) return "gone";
    } finally {
      clearTimeout(beginning);
    }
    return this.#began ? "ended" : "silent";
  }

  /**
   * Ask for the thread instead, until it fails or the stream is to be tried again.
   *
   * @returns {Promise<Outcome>}
   */
  async #poll() {
    const end = Date.now() + POLLED_FOR;
    try {
      while (this.#running && !this.#idle() && Date.now() < end) {
        const thread = await this.#listener.snapshot();
        if (!this.#running) break;
        this.#tries = 0;
        this.#listener.onConnection("live");
        if (thread.last_event_id !== this.#listener.lastEventId()) {
          const data = { type: "stream.resync", thread };
          this.#listener.onEvent({ id: thread.last_event_id, data });
        }
        await this.#sleep(POLL);
      }
    } catch (error) {
      this.#misses = 0;
      if (error instanceof Problem && isGone(error.status)) return "gone";
    }
    return "ended";
  }

  /** @param {AbortSignal} signal */
  async #open(signal) {
    const { token } = await this.#session.current();
    const headers = new Headers({ Accept: "text/event-stream", Authorization: `Bearer ${token}` });
    const last = this.#listener.lastEventId();
    if (last) headers.set("Last-Event-ID", last);
    return fetch(this.#url, { headers, signal, cache: "no-store", credentials: "omit" });
  }

  /**
   * @param {ReadableStreamDefaultReader<Uint8Array>} reader
   * @param {AbortController} connection
   * @param {ReturnType<typeof setTimeout>} beginning ends with the first word
   */
  async #read(reader, connection, beginning) {
    const decoder = new TextDecoder();
    const parser = new EventParser();
    for (;;) {
      const silence = setTimeout(() => connection.abort(), SILENCE);
      const { done, value } = await reader.read().finally(() => clearTimeout(silence));
      if (done) return;
      if (!this.#began) {
        clearTimeout(beginning);
        this.#began = true;
        this.#misses = 0;
        this.#listener.onConnection("live");
      }
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
    return this.#sleep(wait);
  }

  /** @param {number} wait milliseconds, unless woken */
  #sleep(wait) {
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

/** @param {number} status */
function isGone(status) {
  return status === 403 || status === 404;
}

/** @param {Response} answer */
function isStream(answer) {
  return (answer.headers.get("Content-Type") ?? "").startsWith("text/event-stream");
}
