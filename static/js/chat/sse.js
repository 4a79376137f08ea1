/** Server-sent events out of the pieces in which they arrive. Pure. */

/** @typedef {{id: string | null, type: string, data: string}} ServerEvent */

export class EventParser {
  #rest = "";
  /** @type {string | null} */
  #id = null;
  #type = "";
  /** @type {string[]} */
  #data = [];

  /**
   * @param {string} piece of text, cut anywhere
   * @returns {ServerEvent[]} those that are whole by now
   */
  push(piece) {
    const lines = (this.#rest + piece).split("\n");
    this.#rest = lines.pop() ?? "";
    return lines.flatMap((line) => this.#take(line.replace(/\r$/, "")));
  }

  /**
   * @param {string} line
   * @returns {ServerEvent[]}
   */
  #take(line) {
    if (line === "") return this.#finish();
    const colon = line.indexOf(":");
    if (colon === 0) return [];
    const name = colon < 0 ? line : line.slice(0, colon);
    const value = colon < 0 ? "" : line.slice(colon + 1).replace(/^ /, "");
    if (name === "id") this.#id = value;
    if (name === "event") this.#type = value;
    if (name === "data") this.#data.push(value);
    return [];
  }

  #finish() {
    const whole = this.#data.length
      ? [{ id: this.#id, type: this.#type || "message", data: this.#data.join("\n") }]
      : [];
    this.#id = null;
    this.#type = "";
    this.#data = [];
    return whole;
  }
}
