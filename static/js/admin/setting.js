import { clone, find, part } from "../dom.js";
import { Problem } from "../http.js";
import { t } from "../i18n.js";
import { sentence, told } from "./words.js";

/**
 * @typedef {import("./types.js").Mode} Mode
 * @typedef {import("./types.js").Setting} Setting
 * @typedef {import("./types.js").SettingChange} SettingChange
 *
 * @typedef {object} Place what is set
 * @property {string} name of the project or the type
 * @property {string} kind beside the name
 * @property {boolean} service of a service project, whose replies may be notes
 * @property {(inherited: Mode | null) => string} inherit names the choice of setting nothing here
 *
 * @typedef {object} Hooks
 * @property {(change: SettingChange) => Promise<void>} save throws what the server says to it
 * @property {(change: SettingChange, from: Element) => Promise<boolean>} confirm asked when the
 *   server wants it understood what the change does
 */

const FIELDS = /** @type {const} */ (["mode", "reply_audience", "answer_to", "trigger_word"]);
const INHERIT = "inherit";

/** The settings of a project or a type: what is chosen stays until it is saved or taken back. */
export class SettingRow {
  #setting;
  #place;
  #hooks;
  /** @type {Mode | null} that holds where nothing is set here */
  #inherited = null;

  /**
   * @param {Setting} setting
   * @param {Place} place
   * @param {Hooks} hooks
   */
  constructor(setting, place, hooks) {
    this.#setting = setting;
    this.#place = place;
    this.#hooks = hooks;
    const form = clone("setting");
    if (!(form instanceof HTMLFormElement)) throw new Error("the template holds no form");
    this.element = form;
    form.setAttribute("aria-label", place.name);
    part(form, "name").textContent = place.name;
    part(form, "kind").textContent = place.kind;
    part(form, "audience").hidden = !place.service;
    part(form, "audience-fixed").hidden = place.service;
    form.addEventListener("input", () => this.#changed());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#submit();
    });
    part(form, "cancel").addEventListener("click", () => this.#cancel());
    this.#fill();
  }

  /** Whether something is chosen that is not saved. */
  get unsaved() {
    const saved = written(this.#setting);
    return FIELDS.some((name) => this.#field(name).value !== saved[name]);
  }

  /** @param {Setting} setting as the server has it; what is chosen here and not saved stays */
  update(setting) {
    const keep = this.unsaved;
    this.#setting = setting;
    if (!keep) this.#fill();
  }

  /** @param {Mode | null} mode that holds where nothing is set here; null: not known yet */
  inherits(mode) {
    this.#inherited = mode;
    const option = find(this.element, `option[value=${INHERIT}]`, HTMLOptionElement);
    option.textContent = this.#place.inherit(mode);
  }

  #fill() {
    const saved = written(this.#setting);
    for (const name of FIELDS) this.#field(name).value = saved[name];
    this.#changed();
  }

  #changed() {
    const inherits = this.#field("mode").value === INHERIT;
    for (const name of FIELDS) this.#field(name).disabled = inherits && name !== "mode";
    this.element.dataset["mentioned"] = String(this.#field("answer_to").value === "mention");
    part(this.element, "save").hidden = !this.unsaved;
    part(this.element, "cancel").hidden = !this.unsaved;
    this.#say("");
    this.#fail("");
  }

  #cancel() {
    this.#fill();
    this.#field("mode").focus();
  }

  async #submit() {
    if (!this.unsaved || this.element.getAttribute("aria-busy") === "true") return;
    const change = this.#change();
    this.element.setAttribute("aria-busy", "true");
    this.#fail("");
    try {
      const agreed = this.#unlocks(change) ? await this.#agreed(change) : change;
      if (agreed) await this.#send(agreed);
    } catch (error) {
      this.#say("");
      this.#fail(reason(error));
    } finally {
      this.element.removeAttribute("aria-busy");
    }
  }

  /**
   * @param {SettingChange} change
   * @returns {Promise<SettingChange | null>} null: taken back when it was asked about
   */
  async #agreed(change) {
    const yes = await this.#hooks.confirm(change, part(this.element, "save"));
    return yes ? { ...change, understood: true } : null;
  }

  /** @param {SettingChange} change */
  async #send(change) {
    this.#say(t("Saving…"));
    try {
      await this.#hooks.save(change);
    } catch (error) {
      // The server has the last word on what has to be understood.
      if (!(error instanceof Problem && error.code === "needs_understanding")) throw error;
      this.#say("");
      const agreed = await this.#agreed(change);
      if (!agreed) return;
      await this.#hooks.save(agreed);
    }
    const focused = this.element.contains(document.activeElement);
    this.#fill();
    if (focused) this.#field("mode").focus();
    this.#say(t("Saved"));
  }

  /**
   * Whether answers are written by themselves that were not, or are read by more people.
   *
   * @param {SettingChange} change
   */
  #unlocks(change) {
    const { mode, reply_audience: audience } = this.#setting;
    const wide = !this.#place.service;
    const becomes = change.mode === INHERIT ? this.#inherited : change.mode;
    const opened = !wide && audience !== "public" && change.reply_audience === "public";
    return becomes === "auto" && (mode !== "auto" || opened);
  }

  /** @returns {SettingChange} */
  #change() {
    const mode = this.#field("mode").value;
    if (mode === INHERIT) return { mode };
    const values = FIELDS.map((name) => [name, this.#field(name).value.trim()]);
    return /** @type {SettingChange} */ (Object.fromEntries(values));
  }

  /** @param {(typeof FIELDS)[number]} name */
  #field(name) {
    const found = this.element.elements.namedItem(name);
    if (found instanceof HTMLSelectElement || found instanceof HTMLInputElement) return found;
    throw new Error(`no field ${name}`);
  }

  /** @param {string} text */
  #say(text) {
    part(this.element, "said").textContent = text;
  }

  /** @param {string} text */
  #fail(text) {
    const error = part(this.element, "error");
    error.textContent = text;
    error.hidden = text === "";
  }
}

/**
 * As the fields hold it.
 *
 * @param {Setting} setting
 * @returns {Record<(typeof FIELDS)[number], string>}
 */
function written(setting) {
  return { ...setting, mode: setting.inherited ? INHERIT : setting.mode };
}

/** @param {unknown} error */
function reason(error) {
  const fields = error instanceof Problem ? Object.values(error.fields) : [];
  return fields.length ? fields.map(sentence).join(" ") : told(error);
}
