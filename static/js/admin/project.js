import { clone, find, part } from "../dom.js";
import { t } from "../i18n.js";
import { SettingRow } from "./setting.js";

/**
 * @typedef {import("./types.js").Mode} Mode
 * @typedef {import("./types.js").Project} Project
 * @typedef {import("./types.js").Setting} Setting
 * @typedef {import("./types.js").SettingChange} SettingChange
 * @typedef {import("./setting.js").Hooks} Hooks
 */

/** A project's settings and, folded away, those of its types that are set apart. */
export class ProjectView {
  #row;
  /** @type {Map<string, SettingRow>} */
  #types = new Map();

  /**
   * @param {Project} project
   * @param {(typeId: string) => Hooks} hooks empty: those of the project itself
   */
  constructor(project, hooks) {
    this.element = clone("project");
    const { name, key, service_project: service } = project;
    const kind = `${key} · ${service ? t("Service project") : t("Project")}`;
    this.#row = new SettingRow(project, { name, kind, service, inherit: byDefault }, hooks(""));
    this.element.prepend(this.#row.element);
    const list = part(this.element, "types");
    for (const type of project.types) {
      const place = { name: type.name, kind: "", service, inherit: asProject };
      const row = new SettingRow(type, place, hooks(type.id));
      this.#types.set(type.id, row);
      list.append(row.element);
    }
    this.#show(project);
  }

  /** Whether something is chosen that is not saved. */
  get unsaved() {
    return [this.#row, ...this.#types.values()].some((row) => row.unsaved);
  }

  /** @param {Project} project as the server has it */
  update(project) {
    this.#row.update(project);
    for (const type of project.types) this.#types.get(type.id)?.update(type);
    this.#show(project);
  }

  /** @param {Mode | null} mode of projects that nobody has set */
  inherits(mode) {
    this.#row.inherits(mode);
  }

  /** @param {Project} project */
  #show({ mode, types }) {
    for (const row of this.#types.values()) row.inherits(mode);
    const apart = types.filter((type) => !type.inherited).length;
    const details = find(this.element, "details", HTMLDetailsElement);
    details.hidden = types.length === 0;
    part(details, "summary").textContent = apart
      ? t("Set apart by type: {apart} of {types}", { apart, types: types.length })
      : t("Set apart by type");
  }
}

/** @param {Mode | null} mode */
function byDefault(mode) {
  return mode ? t("Default ({mode})", { mode: wordOf(mode) }) : t("Default");
}

/** @param {Mode | null} mode */
function asProject(mode) {
  return mode ? t("As project ({mode})", { mode: wordOf(mode) }) : t("As project");
}

/** @param {Mode} mode */
function wordOf(mode) {
  return { off: () => t("Off"), draft: () => t("Drafts"), auto: () => t("Automatic") }[mode]();
}
