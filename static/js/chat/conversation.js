/** One conversation of the panel: its thread, its stream, and everything that shows them. */

import { announce, clone, make, part } from "../dom.js";
import { Api } from "../http.js";
import { m, t } from "../i18n.js";
import { explain, isFinal, patience } from "../trouble.js";
import { Composer } from "./composer.js";
import { Kept, Once } from "./kept.js";
import { LogView } from "./log.js";
import { Outbox } from "./outbox.js";
import { People } from "./people.js";
import { standingOf } from "./standing.js";
import { Stream } from "./stream.js";
import { UNKNOWN, fromSnapshot, isLive, reduce, withOlder } from "./thread.js";
import { UnsentView } from "./unsent.js";

/**
 * @typedef {object} Place
 * @property {string} base the app's path, or its whole URL
 * @property {import("../http.js").Session} session on the thread
 * @property {"internal" | "public"} audience
 * @property {boolean} isReporter
 * @property {(thread: import("./thread.js").Thread, may: {comment: boolean, work: boolean}) => void} changed
 */

const LATE = 1500;
const UNSEEN = 250;
const OLDER = 50;
/** @type {Record<import("./standing.js").Action, string>} */
const WORDS = { stop: m("Stop"), resume: m("Resume"), retry: m("Run again") };

export class Conversation {
  element = clone("conversation-template");
  #place;
  #session;
  #api;
  #thread = UNKNOWN;
  #threadId = "";
  #may = { comment: true, work: false };
  #viewer = "";
  /** @type {Map<string, string>} */
  #feedback = new Map();
  /** @type {import("./stream.js").Connection} */
  #connection = "connecting";
  #late = false;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #becomingLate;
  /** @type {Promise<void> | undefined} */
  #opened;
  #shown = false;
  #paging = false;
  #drawing = false;
  #refusal = "";
  #trouble = "";
  #actionsShown = "";
  /** @type {Stream | undefined} */
  #stream;
  /** @type {People | undefined} */
  #people;
  /** @type {LogView | undefined} */
  #log;
  /** @type {Composer | undefined} */
  #composer;
  /** @type {Outbox | undefined} */
  #outbox;
  /** @type {UnsentView | undefined} */
  #unsent;

  /** @param {Place} place */
  constructor(place) {
    this.#place = place;
    const { audience } = place;
    this.element.classList.add(audience);
    this.element.id = `conversation-${audience}`;
    part(this.element, "notice").textContent = this.#notice();
    this.#session = place.session;
    this.#api = new Api(place.base, this.#session);
    setInterval(() => this.#log?.refresh("tick"), 30_000);
    setInterval(() => this.#draw(), 30_000);
  }

  get thread() {
    return this.#thread;
  }

  get may() {
    return this.#may;
  }

  /** It comes into sight: from now on it is live. */
  async show() {
    this.#shown = true;
    this.element.hidden = false;
    this.#expectConnection("connecting");
    this.#opened ??= this.#open();
    await this.#opened;
    if (this.#shown) this.#stream?.start();
    this.#log?.settle();
  }

  /** It leaves sight, and gives its connection back; what it knows stays. */
  hide() {
    this.#shown = false;
    this.element.hidden = true;
    this.#stream?.stop();
  }

  /** @param {"pause" | "resume" | "stop"} what */
  async ask(what) {
    await this.#attempt(() => this.#api.call("POST", `${this.#path()}/${what}`));
  }

  #notice() {
    const { audience, isReporter } = this.#place;
    if (audience === "internal") return t("Only your team sees this.");
    return isReporter ? t("Everybody who sees this issue reads this.") : t("The customer reads this.");
  }

  #path() {
    return `/api/threads/${this.#threadId}`;
  }

  /** Until the thread is there, or is refused; nothing else ends it. */
  async #open() {
    for (let tries = 0; this.#threadId === ""; tries += 1) {
      try {
        await this.#load();
      } catch (error) {
        if (isFinal(error)) {
          this.#refuse(explain(error));
          return;
        }
        this.#trouble = explain(error);
        this.#draw();
        await patience(tries);
      }
    }
    this.#trouble = "";
  }

  async #load() {
    const { thread_id: threadId } = await this.#session.current();
    const view = await this.#api.call("GET", `/api/threads/${threadId}`);
    this.#threadId = String(threadId);
    this.#may = view.may;
    this.#viewer = view.viewer ?? "";
    this.#feedback = new Map(Object.entries(view.feedback ?? {}));
    this.#thread = fromSnapshot(view);
    this.#furnish();
    this.#expectConnection("connecting");
    this.#draw();
  }

  /** @param {string} why */
  #refuse(why) {
    this.#refusal = why;
    this.#connection = "refused";
    this.#draw();
  }

  #furnish() {
    const { base, audience, isReporter } = this.#place;
    this.#people = new People(this.#api, this.#threadId, () => this.#log?.refresh("rename"));
    const people = this.#people;
    const kept = new Kept("composer", this.#threadId, this.#viewer);
    this.#log = new LogView(
      this.element,
      {
        viewer: this.#viewer,
        name: (id) => people.name(id),
        feedback: this.#feedback,
        judge: (itemId, kind) => this.#judge(itemId, kind),
        drafts: {
          may: this.#may.comment && this.#may.work,
          decide: (itemId, what, body) =>
            this.#api.call("POST", `${this.#path()}/drafts/${itemId}/${what}`, body),
          name: (id) => people.name(id),
          explain: (error) => explain(error),
        },
      },
      () => this.#older(),
    );
    this.#outbox = new Outbox(
      kept,
      async ({ text, client_id }) => {
        const body = { text, client_id };
        return (await this.#api.call("POST", `${this.#path()}/messages`, body)).item_id;
      },
      (error) => explain(error),
      () => this.#draw(),
    );
    this.#composer = new Composer(this.element, {
      audience,
      warns: audience === "public" && !isReporter,
      kept,
      once: new Once("customer", this.#threadId, this.#viewer),
      say: (text) => {
        this.#outbox?.add(text);
        this.#log?.toEnd();
      },
    });
    this.#unsent = new UnsentView(part(this.element, "unsent"), this.#outbox, this.#composer);
    this.#outbox.start();
    this.#stream = new Stream(`${base}${this.#path()}/events`, this.#session, {
      onEvent: (event) => this.#take(event),
      onConnection: (connection) => this.#expectConnection(connection),
      lastEventId: () => this.#thread.lastEventId,
      snapshot: () => this.#api.call("GET", this.#path()),
    });
  }

  /** @param {import("./thread.js").StreamEvent} event */
  #take(event) {
    const before = this.#thread;
    this.#thread = reduce(before, event);
    if (this.#thread !== before) {
      this.#tell(before, event.data);
      this.#draw();
    }
  }

  /**
   * Once for an answer, once for a message: nobody hears it grow.
   *
   * @param {import("./thread.js").Thread} before
   * @param {any} data
   */
  #tell(before, data) {
    const now = this.#thread;
    if (data.type === "turn.completed") announce(t("The assistant answered."));
    if (data.type === "turn.failed") announce(t(data.message || m("The assistant could not answer.")));
    const begun = now.items.length > before.items.length && now.items.at(-1);
    if (!begun) return;
    if (begun.kind === "assistant" && begun.streaming) announce(t("The assistant is writing…"));
    if (begun.kind === "user" && begun.author !== this.#viewer) {
      announce(t("New message from {name}", { name: this.#people?.name(begun.author) ?? "" }));
    }
  }

  /** @param {import("./stream.js").Connection} connection */
  #expectConnection(connection) {
    const was = this.#connection;
    this.#connection = connection;
    if (connection === "live" || connection === "refused") {
      clearTimeout(this.#becomingLate);
      this.#becomingLate = undefined;
      this.#late = false;
    } else {
      this.#becomingLate ??= setTimeout(() => {
        this.#late = true;
        this.#draw();
      }, LATE);
    }
    if (connection === "live" && was !== "live") this.#outbox?.again();
    this.#draw();
  }

  async #older() {
    const { olderThan } = this.#thread;
    if (this.#paging || olderThan === null) return;
    this.#paging = true;
    const path = `${this.#path()}/items?order=desc&limit=${OLDER}&after=${olderThan}`;
    try {
      const page = await this.#api.call("GET", path);
      if (this.#thread.olderThan === olderThan) this.#thread = withOlder(this.#thread, page);
    } catch {
      // The reader scrolls on, and it is asked for again.
    }
    this.#paging = false;
    this.#draw();
  }

  /**
   * @param {string} itemId
   * @param {"positive" | "negative"} kind
   */
  async #judge(itemId, kind) {
    await this.#attempt(async () => {
      await this.#api.call("POST", `${this.#path()}/items/${itemId}/feedback`, { kind });
      this.#feedback.set(itemId, kind);
      announce(t("Thank you."));
    });
  }

  /** @param {() => Promise<unknown>} action whose failure is told above the composer */
  async #attempt(action) {
    try {
      this.#trouble = "";
      await action();
    } catch (error) {
      this.#trouble = explain(error);
    }
    this.#draw();
  }

  /** At most once a frame, however much happens; seldom where nobody looks, which has no frames. */
  #draw() {
    if (this.#drawing) return;
    this.#drawing = true;
    const draw = () => {
      cancelAnimationFrame(frame);
      clearTimeout(unseen);
      this.#drawing = false;
      this.#drawNow();
    };
    const frame = requestAnimationFrame(draw);
    const unseen = setTimeout(draw, UNSEEN);
  }

  #drawNow() {
    const { items, known, olderThan, mode } = this.#thread;
    const unsent = this.#outbox?.messages.length ?? 0;
    part(this.element, "skeleton").hidden = known || this.#refusal !== "";
    this.#drawEmpty(known && items.length === 0 && unsent === 0, this.#closed(mode) === "");
    this.#outbox?.arrived(new Set(items.map((item) => item.id)));
    const name = unsent ? (this.#people?.name(this.#viewer, t("You")) ?? "") : "";
    this.#unsent?.show(items, this.#viewer, name);
    this.#log?.show(items, olderThan !== null);
    this.#composer?.close(this.#closed(mode));
    this.#drawStanding();
    this.#log?.settle();
    if (known) this.#place.changed(this.#thread, this.#may);
  }

  /** @param {string} mode */
  #closed(mode) {
    if (this.#connection === "refused") return t("You may not see this conversation any more.");
    if (!this.#may.comment) return t("You may read this, but not comment on the issue.");
    if (mode === "off") {
      return t("The assistant is switched off for this project. A Jira administrator can change it.");
    }
    return "";
  }

  /**
   * @param {boolean} empty
   * @param {boolean} open for who would write the first message
   */
  #drawEmpty(empty, open) {
    const box = part(this.element, "empty");
    box.hidden = !empty && this.#refusal === "";
    if (this.#refusal) {
      part(box, "empty-title").textContent = t("You may not see this conversation");
      part(box, "empty-text").textContent = this.#refusal;
    } else if (this.#place.audience === "internal" && open) {
      part(box, "empty-title").textContent = t("Ask about this issue");
      part(box, "empty-text").textContent = t(
        "Talk with the assistant as a team. Nothing of it is posted unless somebody approves it.",
      );
    } else {
      part(box, "empty-title").textContent = t("No messages yet");
      part(box, "empty-text").textContent =
        this.#place.audience === "internal"
          ? t("What your team and the assistant say to each other is shown here.")
          : t("Public comments and the assistant’s answers to them are shown here.");
    }
  }

  #drawStanding() {
    const line = part(this.element, "standing");
    const { look, text, actions } = this.#trouble
      ? { look: "danger", text: this.#trouble, actions: this.#actions() }
      : this.#standing();
    line.className = `standing ${look}`;
    line.hidden = text === "" || this.#refusal !== "";
    part(line, "busy").hidden = look !== "busy";
    part(line, "standing-text").textContent = text;
    if (actions.join() !== this.#actionsShown) {
      this.#actionsShown = actions.join();
      part(line, "standing-actions").replaceChildren(...actions.map((one) => this.#button(one)));
    }
  }

  #standing() {
    return standingOf({
      thread: this.#thread,
      connection: this.#connection,
      late: this.#late,
      may: this.#may,
      now: new Date(),
    });
  }

  #actions() {
    return isLive(this.#thread.turn) ? this.#standing().actions : [];
  }

  /** @param {import("./standing.js").Action} action */
  #button(action) {
    const button = make("button", { class: "button compact" }, t(WORDS[action]));
    button.type = "button";
    button.addEventListener("click", async () => {
      button.disabled = true;
      if (action === "retry") await this.#retry();
      else await this.ask(action);
      button.disabled = false;
    });
    return button;
  }

  async #retry() {
    const turn = this.#thread.turn;
    if (turn === null) return;
    await this.#attempt(() => this.#api.call("POST", `${this.#path()}/turns/${turn.id}/retry`));
  }
}
