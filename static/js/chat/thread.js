/**
 * A thread as the page knows it: `reduce(state, event)` gives the next state and changes nothing.
 *
 * Events are those of the stream (ChatKit's and `turn.*`), with their id. What was seen before is
 * ignored, so a stream may repeat itself.
 */

/**
 * @typedef {object} Draft
 * @property {"open" | "approved" | "posted" | "rejected" | "withdrawn" | "replaced"} state
 * @property {string | null} by account id of who decided
 * @property {"public" | "internal"} as where approving puts it
 * @property {string} [reason]
 */

/**
 * @typedef {object} Cost
 * @property {number} input_tokens
 * @property {number} output_tokens
 * @property {number} duration_ms
 * @property {string} model
 */

/**
 * @typedef {object} Item
 * @property {string} id
 * @property {"user" | "assistant"} kind
 * @property {string} role customer | agent | person | visitor | assistant | app
 * @property {string | null} author account id
 * @property {number} at when it was written: milliseconds since 1970
 * @property {string} text Markdown
 * @property {string | null} turnId
 * @property {string | null} commentId Jira's, once it is there
 * @property {boolean} streaming more of it is to come
 * @property {Draft | null} draft
 * @property {boolean} stopped a person's stop left it in the middle
 * @property {string | null} undelivered why Jira would not take it
 * @property {Cost | null} cost
 */

/**
 * @typedef {object} Turn
 * @property {string} id
 * @property {"queued" | "running" | "completed" | "stopped" | "failed"} state
 * @property {string | null} cause
 * @property {string} message what a person is told
 */

/**
 * @typedef {object} Thread
 * @property {boolean} known false until something of it came
 * @property {readonly Item[]} items oldest first
 * @property {string | null} olderThan item id to page back from; null: that is all
 * @property {Turn | null} turn the live one, or the newest
 * @property {string} mode off | draft | auto
 * @property {string} replyAs
 * @property {string | null} restingUntil ISO instant
 * @property {string | null} restCause
 * @property {string | null} lastEventId
 */

/** @typedef {{id: string | null, data: any}} StreamEvent */

/** @type {Thread} */
export const UNKNOWN = Object.freeze({
  known: false,
  items: Object.freeze([]),
  olderThan: null,
  turn: null,
  mode: "auto",
  replyAs: "private",
  restingUntil: null,
  restCause: null,
  lastEventId: null,
});

const ENDED = new Set(["completed", "stopped", "failed", "dropped"]);

/** Whether an answer is under way. @param {Turn | null} turn */
export function isLive(turn) {
  return turn !== null && (turn.state === "queued" || turn.state === "running");
}

/**
 * The thread as a snapshot has it, whatever was known before.
 *
 * @param {any} view `GET /api/threads/{id}`, or the `thread` of `stream.resync`
 * @returns {Thread}
 */
export function fromSnapshot(view) {
  const turn = view.turn ? turnOf(view.turn) : null;
  const live = isLive(turn) ? view.turn.item_id : null;
  const items = view.items.data.map((/** @type {any} */ item) => ({
    ...itemOf(item),
    streaming: item.id === live,
  }));
  return {
    ...withThread(UNKNOWN, view),
    known: true,
    items: inOrder(items),
    olderThan: view.items.has_more ? view.items.after : null,
    turn,
    lastEventId: view.last_event_id ?? null,
  };
}

/**
 * Older items, as `/items?order=desc` gives them, put before those that are there.
 *
 * @param {Thread} state
 * @param {{data: any[], has_more: boolean, after: string | null}} page
 * @returns {Thread}
 */
export function withOlder(state, page) {
  const known = new Set(state.items.map((item) => item.id));
  const older = page.data.map(itemOf).filter((item) => !known.has(item.id));
  return {
    ...state,
    items: inOrder([...older.reverse(), ...state.items]),
    olderThan: page.has_more ? page.after : null,
  };
}

/**
 * @param {Thread} state
 * @param {StreamEvent} event
 * @returns {Thread} the same object where nothing changed
 */
export function reduce(state, { id, data }) {
  if (data.type === "stream.resync") {
    return { ...fromSnapshot(data.thread), lastEventId: id ?? data.thread.last_event_id };
  }
  if (id !== null && isOld(id, state.lastEventId)) return state;
  const next = apply(state, data);
  return id === null ? next : { ...next, lastEventId: id };
}

/**
 * @param {Thread} state
 * @param {any} data
 * @returns {Thread}
 */
function apply(state, data) {
  switch (data.type) {
    case "thread.item.added":
      return withItem(state, { ...itemOf(data.item), streaming: isBegun(data.item) });
    case "thread.item.done":
    case "thread.item.replaced":
      return withItem(state, itemOf(data.item));
    case "thread.item.removed":
      return { ...state, items: state.items.filter((item) => item.id !== data.item_id) };
    case "thread.item.updated":
      return withUpdate(state, data.item_id, data.update);
    case "turn.queued":
      return { ...state, turn: { id: data.turn_id, state: "queued", cause: null, message: "" } };
    case "turn.started":
      return { ...state, turn: { id: data.turn_id, state: "running", cause: null, message: "" } };
    case "turn.completed":
    case "turn.stopped":
    case "turn.failed":
      return withEnd(state, data);
    case "thread.updated":
      return withThread(state, data.thread);
    default:
      return state;
  }
}

/**
 * @param {Thread} state
 * @param {any} data
 * @returns {Thread}
 */
function withEnd(state, data) {
  const ended = turnOf({ ...data, id: data.turn_id, state: data.type.slice("turn.".length) });
  const items = state.items.map((item) => {
    if (item.turnId !== ended.id || item.kind !== "assistant") return item;
    const cost = item.id === data.item_id && data.cost ? data.cost : item.cost;
    return item.streaming || cost !== item.cost ? { ...item, streaming: false, cost } : item;
  });
  const about = state.turn === null || state.turn.id === ended.id || !isLive(state.turn);
  return { ...state, items, turn: about ? ended : state.turn };
}

/**
 * @param {Thread} state
 * @param {any} thread
 * @returns {Thread}
 */
function withThread(state, thread) {
  return {
    ...state,
    mode: thread.mode ?? state.mode,
    replyAs: thread.reply_as ?? state.replyAs,
    restingUntil: thread.resting_until ?? null,
    restCause: thread.rest_cause ?? null,
  };
}

/**
 * @param {Thread} state
 * @param {Item} item
 * @returns {Thread}
 */
function withItem(state, item) {
  const at = state.items.findIndex((one) => one.id === item.id);
  if (at < 0) return { ...state, items: inOrder([...state.items, item]) };
  const kept = { ...item, cost: item.cost ?? state.items[at].cost };
  return { ...state, items: inOrder(state.items.with(at, kept)) };
}

/**
 * @param {Thread} state
 * @param {string} id
 * @param {{type: string, delta?: string, content?: {text?: string}}} update
 * @returns {Thread}
 */
function withUpdate(state, id, update) {
  const at = state.items.findLastIndex((item) => item.id === id);
  if (at < 0) return state;
  const item = state.items[at];
  if (update.type === "assistant_message.content_part.text_delta") {
    const text = item.text + (update.delta ?? "");
    return { ...state, items: state.items.with(at, { ...item, text, streaming: true }) };
  }
  if (update.type === "assistant_message.content_part.done") {
    const text = update.content?.text ?? item.text;
    return { ...state, items: state.items.with(at, { ...item, text }) };
  }
  return state;
}

/**
 * An assistant's item that was only announced: its words follow.
 *
 * @param {any} item
 */
function isBegun(item) {
  return item.type === "assistant_message" && item.content.length === 0;
}

/**
 * @param {any} item ChatKit's `ThreadItem` with our `meta`
 * @returns {Item}
 */
function itemOf(item) {
  const meta = item.meta ?? {};
  const parts = Array.isArray(item.content) ? item.content : [];
  return {
    id: item.id,
    kind: item.type === "assistant_message" ? "assistant" : "user",
    role: meta.role ?? (item.type === "assistant_message" ? "assistant" : "person"),
    author: meta.author ?? null,
    at: Date.parse(item.created_at),
    text: parts.map((/** @type {any} */ part) => part.text ?? "").join(""),
    turnId: meta.turn_id ?? null,
    commentId: meta.comment_id ?? null,
    streaming: false,
    draft: meta.draft ?? null,
    stopped: meta.stopped === true,
    undelivered: meta.undelivered ?? null,
    cost: meta.cost ?? null,
  };
}

/**
 * @param {any} turn
 * @returns {Turn}
 */
function turnOf(turn) {
  const running = turn.state === "waiting" ? "queued" : "running";
  const over = turn.state === "dropped" ? "completed" : turn.state;
  return {
    id: turn.id,
    state: ENDED.has(turn.state) ? over : running,
    cause: turn.cause ?? null,
    message: turn.message ?? "",
  };
}

/**
 * By creation; what was created at one instant stays as it came.
 *
 * @param {Item[]} items
 */
function inOrder(items) {
  return items.sort((one, other) => one.at - other.at);
}

/**
 * Whether an event is not newer than the last. Of another epoch nothing can be said.
 *
 * @param {string} id `<epoch>-<n>`
 * @param {string | null} last
 */
function isOld(id, last) {
  const [epoch, n] = id.split("-");
  const [lastEpoch, lastN] = (last ?? "").split("-");
  return epoch === lastEpoch && Number(n) <= Number(lastN);
}
