import { clone, part } from "../dom.js";
import { t } from "../i18n.js";
import { Section } from "./section.js";

/** @typedef {import("./types.js").Finding} Finding */

/** What the doctor finds, looked at whenever the tab is opened. */
export class Health extends Section {
  #api;

  /**
   * @param {HTMLElement} panel
   * @param {import("./api.js").AdminApi} api
   */
  constructor(panel, api) {
    super(panel, () => this.#load());
    this.#api = api;
    part(panel, "again").addEventListener("click", () => void this.reload());
  }

  /** @override */
  show() {
    return this.reload();
  }

  async #load() {
    const verdict = part(this.panel, "verdict");
    verdict.textContent = t("Looking…");
    const { findings } = await this.#api.doctor();
    part(this.panel, "list").replaceChildren(...findings.map(finding));
    const bad = findings.filter(({ well }) => !well).length;
    verdict.textContent = verdictOf(bad);
  }
}

/** @param {number} bad */
function verdictOf(bad) {
  if (bad === 0) return t("All is well.");
  return bad === 1 ? t("One finding needs you.") : t("{bad} findings need you.", { bad });
}

/** @param {Finding} found */
function finding({ name, well, found, cure }) {
  const item = clone("finding");
  item.dataset["well"] = String(well);
  part(item, "name").textContent = NAMES[name]?.() ?? name;
  const state = part(item, "state");
  state.textContent = well ? t("Well") : t("Needs you");
  state.classList.add(well ? "success" : "danger");
  part(item, "found").textContent = found;
  part(item, "cure").textContent = cure;
  part(item, "cure").hidden = cure === "";
  return item;
}

/** @type {Record<string, () => string>} the doctor's words for where it looked */
const NAMES = {
  configuration: () => t("Configuration"),
  database: () => t("Database"),
  tenant: () => t("Site"),
  secret: () => t("Shared secret"),
  jira: () => t("Jira"),
  workflow: () => t("Assistant"),
  openai: () => t("OpenAI"),
  model: () => t("Model"),
  projects: () => t("Projects"),
};
