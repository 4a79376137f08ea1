/** The messages in their order, in a window that keeps the reader's place. */

import { find, part } from "../dom.js";
import { ItemView } from "./item.js";

/** @typedef {import("./thread.js").Item} Item */

const NEAR = 48; // pixels from the end within which somebody reads along
const AHEAD = "800px 0px 0px 0px"; // older messages are asked for before they come into sight

export class LogView {
  #log;
  #list;
  #older;
  #newest;
  #room;
  /** @type {Map<string, ItemView>} */
  #views = new Map();
  #follows = true;

  /**
   * @param {HTMLElement} root holds the parts `log`, `items`, `older`, `newest`
   * @param {import("./item.js").Room} room
   * @param {() => void} wantsOlder called when the reader nears the oldest message
   */
  constructor(root, room, wantsOlder) {
    this.#log = part(root, "log");
    this.#list = part(root, "items");
    this.#older = part(root, "older");
    this.#newest = find(root, "[data-part=newest]", HTMLButtonElement);
    this.#room = room;
    this.#log.addEventListener("scroll", () => this.#scrolled(), { passive: true });
    this.#newest.addEventListener("click", () => this.toEnd());
    new ResizeObserver(() => this.#keepEnd()).observe(this.#log);
    new IntersectionObserver((seen) => seen.some((one) => one.isIntersecting) && wantsOlder(), {
      root: this.#log,
      rootMargin: AHEAD,
    }).observe(this.#older);
  }

  /**
   * @param {readonly Item[]} items
   * @param {boolean} more there are older ones
   */
  show(items, more) {
    const anchor = this.#follows ? null : this.#anchor();
    this.#older.hidden = !more;
    const kept = new Set();
    let next = this.#list.firstElementChild;
    for (const item of items) {
      kept.add(item.id);
      const view = this.#view(item.id);
      if (view.item !== item) view.show(item);
      if (view.element === next) next = next.nextElementSibling;
      else this.#list.insertBefore(view.element, next);
    }
    for (const [id, view] of this.#views) {
      if (kept.has(id)) continue;
      view.element.remove();
      this.#views.delete(id);
    }
    this.#restore(anchor);
  }

  /** Something beside the messages changed its height. */
  settle() {
    this.#keepEnd();
    this.#scrolled();
  }

  /** Names have come, or time has passed. @param {"rename" | "tick"} what */
  refresh(what) {
    for (const view of this.#views.values()) view[what]();
  }

  toEnd() {
    this.#follows = true;
    this.#keepEnd();
    this.#newest.hidden = true;
  }

  /** @param {string} id */
  #view(id) {
    let view = this.#views.get(id);
    if (!view) {
      view = new ItemView(this.#room);
      this.#views.set(id, view);
    }
    return view;
  }

  /** The first message in sight and where it is. */
  #anchor() {
    const top = this.#log.getBoundingClientRect().top;
    const { children } = this.#list;
    let [low, high] = [0, children.length - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (children[middle].getBoundingClientRect().bottom > top) high = middle;
      else low = middle + 1;
    }
    const element = children[low];
    return element ? { element, top: element.getBoundingClientRect().top } : null;
  }

  /** @param {{element: Element, top: number} | null} anchor */
  #restore(anchor) {
    if (anchor?.element.isConnected) {
      const moved = anchor.element.getBoundingClientRect().top - anchor.top;
      if (moved) this.#log.scrollTop += moved;
    }
    this.settle();
  }

  #keepEnd() {
    if (this.#follows) this.#log.scrollTop = this.#log.scrollHeight;
  }

  #scrolled() {
    const below = this.#log.scrollHeight - this.#log.scrollTop - this.#log.clientHeight;
    this.#follows = below < NEAR;
    this.#newest.hidden = this.#follows;
  }
}
