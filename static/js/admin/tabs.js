/**
 * Tabs as the ARIA Authoring Practices describe them: arrow keys move and choose, Home and End
 * jump. The address's fragment names the tab, so that links within the page open it.
 */
export class Tabs {
  #list;
  #tabs;
  #chosen;

  /**
   * @param {HTMLElement} list
   * @param {(name: string) => void} chosen told the id of the panel that is shown
   */
  constructor(list, chosen) {
    this.#list = list;
    /** @type {HTMLElement[]} */
    this.#tabs = [...list.querySelectorAll("[role=tab]")].filter((tab) => tab instanceof HTMLElement);
    this.#chosen = chosen;
    list.addEventListener("click", (event) => this.#clicked(event));
    list.addEventListener("keydown", (event) => this.#pressed(event));
    window.addEventListener("hashchange", () => this.#follow(true));
    window.addEventListener("resize", () => this.#bringIntoSight());
    this.#follow(false);
  }

  /** @param {MouseEvent} event */
  #clicked(event) {
    const tab = event.target instanceof Element ? event.target.closest("[role=tab]") : null;
    if (tab instanceof HTMLElement) this.#choose(tab);
  }

  /** @param {KeyboardEvent} event */
  #pressed(event) {
    const at = this.#tabs.findIndex((tab) => tab === event.target);
    const last = this.#tabs.length - 1;
    const to = { ArrowRight: at === last ? 0 : at + 1, ArrowLeft: at === 0 ? last : at - 1, Home: 0, End: last }[event.key];
    const tab = to === undefined ? undefined : this.#tabs[to];
    if (at < 0 || !tab) return;
    event.preventDefault();
    tab.focus();
    this.#choose(tab);
  }

  /** @param {boolean} focus on the panel: whoever followed a link to it goes on reading there */
  #follow(focus) {
    const tab = this.#tabs.find((each) => `#${panelOf(each)}` === location.hash) ?? this.#tabs[0];
    if (!tab) return;
    this.#show(tab);
    if (focus) document.getElementById(panelOf(tab))?.focus();
  }

  /** @param {HTMLElement} tab */
  #choose(tab) {
    history.replaceState(null, "", `#${panelOf(tab)}`);
    this.#show(tab);
  }

  /** @param {HTMLElement} tab */
  #show(tab) {
    for (const each of this.#tabs) {
      const chosen = each === tab;
      each.setAttribute("aria-selected", String(chosen));
      each.tabIndex = chosen ? 0 : -1;
      const panel = document.getElementById(panelOf(each));
      if (panel) panel.hidden = !chosen;
    }
    this.#bringIntoSight();
    this.#chosen(panelOf(tab));
  }

  /** The chosen one: where the row is too narrow for all, it scrolls. */
  #bringIntoSight() {
    const chosen = this.#tabs.find((tab) => tab.tabIndex === 0);
    if (!chosen) return;
    const [tab, row] = [chosen.getBoundingClientRect(), this.#list.getBoundingClientRect()];
    this.#list.scrollLeft += Math.max(0, tab.right - row.right) + Math.min(0, tab.left - row.left);
  }
}

/** @param {HTMLElement} tab */
function panelOf(tab) {
  return tab.getAttribute("aria-controls") ?? "";
}
