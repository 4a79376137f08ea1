import { find, part } from "../dom.js";
import { t } from "../i18n.js";
import { ask } from "./dialog.js";
import { ProjectView } from "./project.js";
import { Section } from "./section.js";
import { told } from "./words.js";

/**
 * @typedef {import("./types.js").Mode} Mode
 * @typedef {import("./types.js").Project} Project
 * @typedef {import("./types.js").SettingChange} SettingChange
 */

const PAUSE = 250;

/** Where the assistant answers: a row a project, found by name or key. */
export class Projects extends Section {
  #api;
  #setup;
  #search;
  /** @type {Map<string, ProjectView>} */
  #shown = new Map();
  /** @type {Mode | null} */
  #default = null;
  /** @type {AbortController | undefined} */
  #asking;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #pause;

  /**
   * @param {HTMLElement} panel
   * @param {import("./api.js").AdminApi} api
   * @param {import("./setup.js").Setup} setup
   */
  constructor(panel, api, setup) {
    super(panel, () => this.#load());
    this.#api = api;
    this.#setup = setup;
    this.#search = find(panel, "input[type=search]", HTMLInputElement);
    this.#search.addEventListener("input", () => {
      clearTimeout(this.#pause);
      this.#pause = setTimeout(() => void this.#sought(), PAUSE);
    });
    setup.watch(({ default_mode: mode }) => {
      this.#default = mode;
      for (const view of this.#shown.values()) view.inherits(mode);
    });
    window.addEventListener("beforeunload", (event) => {
      if ([...this.#shown.values()].some((view) => view.unsaved)) event.preventDefault();
    });
  }

  async #sought() {
    try {
      await this.#load();
    } catch (error) {
      const replaced = error instanceof DOMException && error.name === "AbortError";
      if (!replaced) part(this.panel, "count").textContent = told(error);
    }
  }

  async #load() {
    this.#asking?.abort();
    this.#asking = new AbortController();
    const query = this.#search.value.trim();
    const { projects, more } = await this.#api.projects(query, this.#asking.signal);
    this.#show(projects);
    part(this.panel, "more").hidden = !more;
    part(this.panel, "count").textContent = found(projects.length, query, more);
  }

  /** @param {Project[]} projects */
  #show(projects) {
    const shown = new Map(projects.map((project) => [project.id, this.#view(project)]));
    for (const [id, view] of this.#shown) {
      if (view.unsaved && !shown.has(id)) shown.set(id, view); // nothing chosen is lost by a search
    }
    this.#shown = shown;
    part(this.panel, "list").replaceChildren(...[...shown.values()].map(({ element }) => element));
  }

  /** @param {Project} project */
  #view(project) {
    const known = this.#shown.get(project.id);
    known?.update(project);
    const view = known ?? new ProjectView(project, (typeId) => this.#hooks(project, typeId));
    view.inherits(this.#default);
    return view;
  }

  /**
   * @param {Project} project
   * @param {string} typeId empty: the project itself
   * @returns {import("./setting.js").Hooks}
   */
  #hooks({ id, name, service_project: service }, typeId) {
    return {
      save: async (change) => {
        const project = await this.#api.setProject(id, typeId ? { ...change, type_id: typeId } : change);
        this.#shown.get(id)?.update(project);
        void this.#setup.refresh().catch(() => {}); // it stands by what it showed last
      },
      confirm: (change, from) => understood(name, service && change.reply_audience !== "public", from),
    };
  }
}

/**
 * Say in plain words what answering by itself means, and have it understood.
 *
 * @param {string} project its name
 * @param {boolean} notes the answers are internal notes
 * @param {Element} from what was pressed
 * @returns {Promise<boolean>}
 */
async function understood(project, notes, from) {
  const dialog = find(document, "#confirm-auto", HTMLDialogElement);
  const box = find(dialog, "#understood", HTMLInputElement);
  const error = find(dialog, "#understood-error", HTMLElement);
  part(dialog, "title").textContent = t("Answer automatically in {project}?", { project });
  part(dialog, "lead").textContent = notes
    ? t("Answers become internal notes: only the team reads them, until you choose public replies.")
    : t("Answers become comments that everybody on the issue reads at once.");
  box.checked = false;
  error.hidden = true;
  return ask(dialog, from, () => {
    error.hidden = box.checked;
    error.textContent = box.checked ? "" : t("Tick the box to switch it on.");
    if (!box.checked) box.focus();
    return box.checked;
  });
}

/**
 * @param {number} number
 * @param {string} query
 * @param {boolean} more
 */
function found(number, query, more) {
  if (number === 0) {
    return query ? t("No project is called that.") : t("The app sees no project. Grant it one in Jira.");
  }
  if (more) return t("The first {number} projects", { number });
  return number === 1 ? t("1 project") : t("{number} projects", { number });
}
