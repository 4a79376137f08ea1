// The switch between light, dark and the system's choice: changes the page at once, tells who
// listens, and lets the site keep the choice. Without this script the form does it by a reload.
// And the menus of the page close when somebody turns away from them.
// @ts-check

export const CHANGED = "sandbox:color-mode";
const DARK = matchMedia("(prefers-color-scheme: dark)");
const ROOT = document.documentElement;

/** @returns {"light" | "dark"} */
export function colorMode() {
  const chosen = ROOT.dataset.colorMode;
  if (chosen === "light" || chosen === "dark") return chosen;
  return DARK.matches ? "dark" : "light";
}

class ThemeSwitch {
  /** @type {HTMLFormElement} */ #form;

  /** @param {HTMLFormElement} form */
  constructor(form) {
    this.#form = form;
    form.addEventListener("submit", (event) => this.#choose(event));
    DARK.addEventListener("change", () => this.#tell());
  }

  /** @param {SubmitEvent} event */
  #choose(event) {
    if (!(event.submitter instanceof HTMLButtonElement)) return;
    event.preventDefault();
    const theme = event.submitter.value;
    ROOT.dataset.colorMode = theme;
    for (const button of this.#form.querySelectorAll("button")) {
      button.setAttribute("aria-pressed", String(button === event.submitter));
    }
    this.#tell();
    fetch(this.#form.action, { method: "POST", body: new URLSearchParams({ theme }) });
  }

  #tell() {
    document.dispatchEvent(new Event(CHANGED));
  }
}

/** @param {(menu: Element) => boolean} whether */
function closeMenus(whether) {
  for (const menu of document.querySelectorAll("details[open]:has(.menu)")) {
    if (whether(menu)) menu.removeAttribute("open");
  }
}

addEventListener("pointerdown", ({ target }) =>
  closeMenus((menu) => target instanceof Node && !menu.contains(target)),
);
addEventListener("keydown", ({ key }) => closeMenus(() => key === "Escape"));

for (const form of document.querySelectorAll("form[data-theme-switch]")) {
  if (form instanceof HTMLFormElement) new ThemeSwitch(form);
}
