/**
 * What was said and is not acknowledged yet, kept until it is.
 *
 * Each message keeps its `client_id`, so that sending it again cannot double it. They go out one
 * after the other, in the order in which they were said.
 */

import { Problem } from "../http.js";

/** @typedef {import("./kept.js").Unsent} Unsent */
/**
 * @typedef {Unsent & {state: "sending" | "failed" | "sent", error: string, final: boolean, itemId: string | null}} Message
 * `final`: it was judged and not taken; only a person may have it sent again
 */

const STALE = 10 * 60_000; // older ones wait for a person's word
const WAITS = [1000, 3000, 10_000, 30_000];

export class Outbox {
  /** @type {Message[]} */
  messages = [];
  #kept;
  #post;
  #explain;
  #changed;
  #busy = false;
  #tries = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #later;

  /**
   * @param {import("./kept.js").Kept} kept
   * @param {(message: Unsent) => Promise<string>} post gives the item's id
   * @param {(error: unknown) => string} explain
   * @param {() => void} changed
   */
  constructor(kept, post, explain, changed) {
    this.#kept = kept;
    this.#post = post;
    this.#explain = explain;
    this.#changed = changed;
    const recent = Date.now() - STALE;
    this.messages = kept.read().unsent.map((unsent) => ({
      ...unsent,
      state: unsent.at > recent ? "sending" : "failed",
      error: "",
      final: unsent.at <= recent,
      itemId: null,
    }));
    addEventListener("online", () => this.again());
  }

  /** Send what an earlier page left. */
  start() {
    void this.#send();
  }

  /** @param {string} text */
  add(text) {
    const unsent = { text, client_id: crypto.randomUUID(), at: Date.now() };
    this.messages.push({ ...unsent, state: "sending", error: "", final: false, itemId: null });
    this.#keep();
    void this.#send();
  }

  /** Try what is left once more. @param {string} [clientId] only this one */
  again(clientId) {
    for (const message of this.messages) {
      const meant = clientId ? message.client_id === clientId : !message.final;
      if (message.state === "failed" && meant) message.state = "sending";
    }
    this.#tries = 0;
    void this.#send();
  }

  /** Take a message back that was not taken. @param {string} clientId */
  drop(clientId) {
    this.messages = this.messages.filter((message) => message.client_id !== clientId);
    this.#keep();
  }

  /** Those of these items that are on the thread by now need not be shown twice. @param {ReadonlySet<string>} ids */
  arrived(ids) {
    const left = this.messages.filter((one) => one.itemId === null || !ids.has(one.itemId));
    if (left.length !== this.messages.length) this.messages = left;
  }

  async #send() {
    if (this.#busy) return;
    this.#busy = true;
    clearTimeout(this.#later);
    for (let next = this.#next(); next; next = this.#next()) {
      if (!(await this.#deliver(next))) break;
    }
    this.#busy = false;
  }

  #next() {
    return this.messages.find((message) => message.state === "sending");
  }

  /**
   * @param {Message} message
   * @returns {Promise<boolean>} false: nobody is there; wait
   */
  async #deliver(message) {
    this.#changed();
    try {
      message.itemId = await this.#post(message);
      message.state = "sent";
      this.#tries = 0;
      this.#keep();
      return true;
    } catch (error) {
      message.error = this.#explain(error);
      message.state = "failed";
      message.final = error instanceof Problem && error.status < 500 && error.status !== 429;
      this.#changed();
      if (message.final) return true;
      this.#comeBack();
      return false;
    }
  }

  #comeBack() {
    const wait = WAITS[Math.min(this.#tries, WAITS.length - 1)];
    this.#tries += 1;
    this.#later = setTimeout(() => {
      const tries = this.#tries;
      this.again();
      this.#tries = tries;
    }, wait);
  }

  #keep() {
    const unsent = this.messages
      .filter((message) => message.state !== "sent")
      .map(({ text, client_id, at }) => ({ text, client_id, at }));
    this.#kept.write({ unsent });
    this.#changed();
  }
}
