// Keeps the tour up to date while somebody looks: asks once a second how it stands, and changes
// what has changed. Buttons that belong to the page one is on do not leave it.
// @ts-check

const EVERY_MS = 1000;
const BAD = new Set(["lost", "doubled", "leaked"]);

/**
 * @typedef {object} StepState
 * @property {string} state
 * @property {string} word
 * @property {string} says
 * @property {{label: string, href: string}[]} links
 * @property {string[]} closed names of the actions that make no sense now
 *
 * @typedef {object} TourState
 * @property {Record<string, number>} score
 * @property {string} summary
 * @property {string} worker
 * @property {Record<string, StepState>} steps
 */

class Tour {
  /** @type {HTMLElement} */ #element;

  /** @param {HTMLElement} element */
  constructor(element) {
    this.#element = element;
    element.addEventListener("submit", (event) => this.#act(event));
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
    const answer = await fetch("/tour/state");
    if (!answer.ok) return;
    /** @type {TourState} */
    const now = await answer.json();
    for (const [name, count] of Object.entries(now.score)) this.#showCount(name, count);
    say(this.#element.querySelector("[data-summary]"), now.summary);
    say(this.#element.querySelector("[data-worker]"), now.worker);
    for (const step of this.#steps()) {
      const state = now.steps[step.dataset.step ?? ""];
      if (state) showStep(step, state);
    }
  }

  #steps() {
    /** @type {HTMLElement[]} */
    const within = [...this.#element.querySelectorAll("[data-step]")].filter(isElement);
    return this.#element.dataset.step ? [this.#element] : within;
  }

  /**
   * @param {string} name
   * @param {number} count
   */
  #showCount(name, count) {
    const tile = this.#element.querySelector(`[data-tile="${name}"]`);
    if (!isElement(tile)) return;
    tile.dataset.bad = String(BAD.has(name) && count > 0);
    say(tile.querySelector("[data-number]"), String(count));
  }

  /** @param {SubmitEvent} event */
  async #act(event) {
    const form = event.target;
    if (!(form instanceof HTMLFormElement) || form.dataset.stay === undefined) return;
    event.preventDefault();
    const body = new FormData(form, event.submitter);
    const button = event.submitter;
    if (button instanceof HTMLButtonElement) button.disabled = true;
    const fields = [...body].map(([name, value]) => [name, String(value)]);
    await fetch(form.action, { method: "POST", body: new URLSearchParams(fields) });
    await this.#look();
  }
}

/**
 * @param {HTMLElement} step
 * @param {StepState} now
 */
function showStep(step, now) {
  step.dataset.state = now.state;
  say(step.querySelector("[data-word]"), now.word);
  say(step.querySelector("[data-says]"), now.says);
  for (const button of step.querySelectorAll("button[name=do]")) {
    if (button instanceof HTMLButtonElement) button.disabled = now.closed.includes(button.value);
  }
  const links = step.querySelector("[data-links]");
  const shown = [...(links?.children ?? [])].map((link) => link.getAttribute("href"));
  if (links && shown.join() !== now.links.map((link) => link.href).join()) {
    links.replaceChildren(...now.links.map(makeLink));
  }
}

/** @param {{label: string, href: string}} link */
function makeLink({ label, href }) {
  const made = document.createElement("a");
  made.href = href;
  made.textContent = label;
  return made;
}

/**
 * Only what has changed is written: nothing flickers, and nobody is told the same twice.
 * @param {Element | null} element
 * @param {string} text
 */
function say(element, text) {
  if (element && element.textContent !== text) element.textContent = text;
}

/**
 * @param {Element | null} element
 * @returns {element is HTMLElement}
 */
function isElement(element) {
  return element instanceof HTMLElement;
}

for (const element of document.querySelectorAll("[data-tour]")) {
  if (isElement(element)) new Tour(element);
}
