/**
 * Text that was typed and not saved, kept for as long as the browser's tab lives. Where a browser
 * lets a frame keep nothing, nothing is kept.
 *
 * @template T
 */
export class Kept {
  #name;

  /** @param {string} name told apart by site: one app may serve several */
  constructor(name) {
    this.#name = name;
  }

  /** @returns {T | null} */
  read() {
    try {
      const text = sessionStorage.getItem(this.#name);
      return text === null ? null : JSON.parse(text);
    } catch {
      return null;
    }
  }

  /** @param {T | null} value null forgets it */
  write(value) {
    try {
      if (value === null) sessionStorage.removeItem(this.#name);
      else sessionStorage.setItem(this.#name, JSON.stringify(value));
    } catch {
      // The page warns before it is left; that must do.
    }
  }
}
