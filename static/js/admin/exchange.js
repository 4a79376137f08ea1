import { MarkdownView } from "../chat/markdown.js";
import { Stream } from "../chat/stream.js";
import { UNKNOWN, isLive, reduce } from "../chat/thread.js";
import { duration } from "../chat/times.js";
import { announce, clone, part } from "../dom.js";
import { Api, Session } from "../http.js";
import { t } from "../i18n.js";
import { count, told } from "./words.js";

/**
 * @typedef {import("./types.js").Trial} Trial
 * @typedef {import("../chat/thread.js").Thread} Thread
 */

/** One message of the playground and its answer, shown while the model writes it. */
export class Exchange {
  #base;
  #session;
  /** @type {Trial | undefined} */
  #trial;
  /** @type {Thread} */
  #thread = UNKNOWN;
  #view;
  #drawing = false;
  #asked = performance.now();

  /**
   * @param {string} text
   * @param {import("./api.js").AdminApi} api
   * @param {{base: string, threadId: string | undefined}} options the conversation that goes on
   */
  constructor(text, api, { base, threadId }) {
    this.text = text;
    this.#base = base;
    this.element = clone("exchange");
    part(this.element, "asked").textContent = text;
    this.#view = new MarkdownView(part(this.element, "answer"));
    const clientId = crypto.randomUUID();
    this.#session = new Session(async () => {
      this.#trial = await api.tryOut(text, clientId, threadId); // again: a new token, no new turn
      return this.#trial;
    });
    part(this.element, "stop").addEventListener("click", () => void this.#stop());
    part(this.element, "copy").addEventListener("click", () => void this.#copy());
  }

  /** @returns {Promise<string>} id of the thread */
  async ask() {
    this.#asked = performance.now();
    await this.#session.current();
    const { thread_id: threadId, last_event_id: lastEventId } = this.#asking;
    this.#thread = { ...UNKNOWN, lastEventId };
    return threadId;
  }

  /** @returns {Promise<void>} once the turn has ended, however it did */
  answered() {
    const path = `/api/threads/${encodeURIComponent(this.#asking.thread_id)}`;
    return new Promise((resolve, reject) => {
      const stream = new Stream(`${this.#base}${path}/events`, this.#session, {
        lastEventId: () => this.#thread.lastEventId,
        snapshot: () => new Api(this.#base, this.#session).call("GET", path),
        onConnection: (connection) => {
          this.#connection(connection);
          if (connection === "refused") reject(new Error());
        },
        onEvent: (event) => {
          this.#thread = reduce(this.#thread, event);
          this.#draw();
          if (!this.#ended) return;
          stream.stop();
          this.#finish();
          resolve();
        },
      });
      stream.start();
    });
  }

  /** @param {string} why nothing more will come */
  fail(why) {
    this.#still();
    const failed = part(this.element, "failed");
    failed.textContent = why;
    failed.hidden = false;
    announce(why);
  }

  get #asking() {
    if (!this.#trial) throw new Error("nothing was asked yet");
    return this.#trial;
  }

  get #answer() {
    const { turn_id: turnId } = this.#asking;
    return this.#thread.items.findLast((item) => item.kind === "assistant" && item.turnId === turnId);
  }

  get #ended() {
    const { turn } = this.#thread;
    return turn !== null && turn.id === this.#asking.turn_id && !isLive(turn);
  }

  /** At most once a frame, however fast the words come. */
  #draw() {
    if (this.#drawing) return;
    this.#drawing = true;
    requestAnimationFrame(() => {
      this.#drawing = false;
      this.#put();
    });
  }

  #put() {
    const text = this.#answer?.text ?? "";
    this.#view.show(text);
  }

  #finish() {
    this.#put();
    const { turn } = this.#thread;
    if (turn?.state === "failed" || turn?.state === "stopped") {
      this.fail(t(turn.message) || t("It ended without an answer."));
    } else {
      this.#still();
      announce(t("The assistant has answered."));
    }
    this.#facts();
  }

  #facts() {
    const cost = this.#answer?.cost;
    const taken = cost?.duration_ms ?? performance.now() - this.#asked;
    const facts = {
      duration: duration(taken),
      "tokens-in": cost && count(cost.input_tokens),
      "tokens-out": cost && count(cost.output_tokens),
      model: cost?.model,
      thread: this.#asking.thread_id,
    };
    for (const [name, text] of Object.entries(facts)) {
      const fact = part(this.element, name);
      fact.textContent = text ?? "";
      if (fact.parentElement) fact.parentElement.hidden = !text;
    }
    part(this.element, "facts").hidden = false;
  }

  /** Nothing moves any more. */
  #still() {
    part(this.element, "thinking").hidden = true;
    part(this.element, "stop").hidden = true;
  }

  /** @param {import("../chat/stream.js").Connection} connection */
  #connection(connection) {
    const offline = connection === "offline";
    part(this.element, "thinking").hidden = offline;
    part(this.element, "offline").hidden = !offline;
  }

  async #stop() {
    const path = `/api/threads/${encodeURIComponent(this.#asking.thread_id)}/stop`;
    try {
      await new Api(this.#base, this.#session).call("POST", path);
    } catch (error) {
      announce(told(error));
    }
  }

  async #copy() {
    const button = part(this.element, "copy");
    const { thread_id: threadId } = this.#asking;
    try {
      await navigator.clipboard.writeText(threadId);
      button.textContent = t("Copied");
      announce(t("Copied"));
    } catch {
      getSelection()?.selectAllChildren(part(this.element, "thread")); // a frame may not be allowed
    }
  }
}
