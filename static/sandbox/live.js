// Keeps an open issue up to date: asks for its revision, and on a new one fetches the page
// again and takes over the comments and details. What somebody is writing, and the app's
// panel, are left alone.
// @ts-check

const EVERY_MS = 1000;

class LiveIssue {
  /** @type {string} */ #seen;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#seen = element.dataset.revision ?? "";
    this.#watch();
  }

  async #watch() {
    try {
      if (!document.hidden) await this.#look();
    } catch {
      // The site is away for a moment, or for good: the next look tells.
    }
    setTimeout(() => this.#watch(), EVERY_MS);
  }

  async #look() {
    const answer = await fetch(`${location.pathname}/revision${location.search}`);
    if (answer.status === 404) location.reload(); // deleted, or hidden from who looks
    if (!answer.ok) return;
    const { revision } = await answer.json();
    if (String(revision) === this.#seen) return;
    const page = await this.#fetchPage();
    if (page === null) return;
    this.#takeDetails(page);
    this.#takeComments(page);
    this.#seen = page.querySelector("[data-live]")?.getAttribute("data-revision") ?? "";
  }

  /** @returns {Promise<Document | null>} */
  async #fetchPage() {
    const answer = await fetch(location.pathname + location.search);
    return answer.ok ? new DOMParser().parseFromString(await answer.text(), "text/html") : null;
  }

  /** @param {Document} page */
  #takeDetails(page) {
    const now = document.getElementById("facts");
    const then = page.getElementById("facts");
    const busy = now?.contains(document.activeElement);
    if (now && then && !busy) now.replaceWith(document.adoptNode(then));
  }

  /** @param {Document} page */
  #takeComments(page) {
    const list = document.getElementById("comments");
    if (!list) return;
    const fresh = [...page.querySelectorAll("#comments > li")];
    const kept = new Set(fresh.map((comment) => comment.id));
    for (const comment of [...list.children]) if (!kept.has(comment.id)) comment.remove();
    fresh.forEach((comment, index) => this.#placeComment(list, comment, index));
  }

  /**
   * @param {HTMLElement} list
   * @param {Element} comment
   * @param {number} index
   */
  #placeComment(list, comment, index) {
    const shown = document.getElementById(comment.id);
    const version = comment.getAttribute("data-version");
    if (shown?.getAttribute("data-version") === version) return;
    const placed = document.adoptNode(comment);
    if (shown) {
      shown.replaceWith(placed);
    } else {
      placed.classList.add("comment-new");
      list.insertBefore(placed, list.children[index] ?? null);
    }
  }
}

for (const element of document.querySelectorAll("[data-live]")) {
  if (element instanceof HTMLElement) new LiveIssue(element);
}
