import { find, make, part } from "../dom.js";
import { t } from "../i18n.js";
import { Form } from "./form.js";
import { Kept } from "./kept.js";
import { Section } from "./section.js";
import { count, day, decimal, instant, whole } from "./words.js";

/**
 * @typedef {import("./types.js").Definition} Definition
 * @typedef {import("./types.js").Workflow} Workflow
 * @typedef {Record<string, string>} Written each field as it is typed
 */

const FIELDS = ["instructions", "model", "max_output_tokens", "temperature", "greeting"];
const LONGEST = { instructions: 32_000, greeting: 1_000 };

/** The workflow's editor: a draft is saved, then published. What is typed outlives the page. */
export class Assistant extends Section {
  #api;
  #changed;
  #form;
  /** @type {Kept<Written>} */
  #kept;
  /** @type {Workflow | undefined} */
  #workflow;
  #saved = written(undefined); // as saved; until that is known, as the empty form is

  /**
   * @param {HTMLElement} panel
   * @param {import("./api.js").AdminApi} api
   * @param {{site: string, changed: () => Promise<void>}} options `changed` after a save
   */
  constructor(panel, api, { site, changed }) {
    super(panel, () => this.#load());
    this.#api = api;
    this.#changed = changed;
    this.#kept = new Kept(`jira-chatkit:workflow:${site}`);
    const form = find(panel, "form", HTMLFormElement);
    this.#form = new Form(form);
    form.addEventListener("input", () => this.#typed());
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#save();
    });
    part(panel, "publish").addEventListener("click", () => void this.#publish());
    part(panel, "discard").addEventListener("click", () => this.#discard());
    window.addEventListener("beforeunload", (event) => {
      if (this.unsaved) event.preventDefault();
    });
  }

  /** Whether the editor holds something that is not saved. */
  get unsaved() {
    return FIELDS.some((name) => this.#written()[name] !== this.#saved[name]);
  }

  async #load() {
    const first = this.#workflow === undefined;
    const typed = this.#written();
    const wasUnsaved = !first && this.unsaved;
    this.#take(await this.#api.workflow());
    const kept = first ? this.#kept.read() : wasUnsaved ? typed : null;
    this.#write(kept ?? this.#saved);
    part(this.panel, "restored").hidden = !(first && this.unsaved);
    this.#show();
  }

  /** @param {Workflow} workflow */
  #take(workflow) {
    this.#workflow = workflow;
    this.#saved = written((workflow.draft ?? workflow.published)?.definition);
    const options = workflow.models.map((model) => {
      const option = make("option");
      option.value = model;
      return option;
    });
    find(this.panel, "datalist", HTMLDataListElement).replaceChildren(...options);
    find(this.panel, "#model", HTMLInputElement).placeholder = workflow.default_model;
  }

  async #save() {
    if (!this.unsaved) return;
    await this.#form.run(t("Saving…"), async () => {
      await this.#keepDraft();
      return t("The draft is saved.");
    });
  }

  async #publish() {
    if (!this.#publishable) return;
    await this.#form.run(t("Publishing…"), async () => {
      if (this.unsaved) await this.#keepDraft();
      await this.#api.publish();
      await this.#refresh();
      return t("Published. It answers from now on.");
    });
  }

  /** Save what stands there now; what is typed meanwhile stays unsaved. */
  async #keepDraft() {
    const sent = this.#written();
    await this.#api.saveDraft(definition(sent));
    this.#saved = sent;
    await this.#refresh();
  }

  async #refresh() {
    const sent = this.#saved;
    this.#take(await this.#api.workflow());
    const typed = this.#written();
    const untouched = FIELDS.every((name) => typed[name] === sent[name]);
    if (untouched) this.#write(this.#saved);
    this.#typed();
    await this.#changed();
  }

  #discard() {
    this.#write(this.#saved);
    this.#form.clear();
    this.#typed();
    this.#form.field("instructions").focus();
  }

  #typed() {
    this.#kept.write(this.unsaved ? this.#written() : null);
    if (!this.unsaved) part(this.panel, "restored").hidden = true;
    this.#show();
  }

  get #publishable() {
    return this.unsaved || Boolean(this.#workflow?.draft);
  }

  #show() {
    for (const [name, most] of Object.entries(LONGEST)) this.#count(name, most);
    disable(part(this.panel, "save"), !this.unsaved);
    disable(part(this.panel, "publish"), !this.#publishable);
    if (!this.#workflow) return;
    part(this.panel, "model-hint").textContent = this.#modelHint(this.#workflow);
    const [kind, word, text] = stateOf(this.#workflow, this.unsaved);
    const lozenge = part(this.panel, "state");
    lozenge.className = `lozenge ${kind}`;
    lozenge.textContent = word;
    part(this.panel, "state-text").textContent = text;
  }

  /** @param {Workflow} workflow */
  #modelHint({ shutdowns, default_model: usual }) {
    const model = this.#form.field("model").value.trim() || usual;
    const end = shutdowns[model];
    if (!end) return t("Leave it empty for the operator's default.");
    return t("OpenAI shuts {model} down on {day}. Choose another.", { model, day: day(end) });
  }

  /**
   * @param {string} name
   * @param {number} most
   */
  #count(name, most) {
    const counter = find(this.panel, `#${name}-count`, HTMLElement);
    const length = [...this.#form.field(name).value].length;
    counter.textContent = t("{length} of {most} characters", {
      length: count(length),
      most: count(most),
    });
    counter.dataset["over"] = String(length > most);
  }

  /** @returns {Written} */
  #written() {
    return Object.fromEntries(FIELDS.map((name) => [name, this.#form.field(name).value]));
  }

  /** @param {Written} values */
  #write(values) {
    for (const name of FIELDS) this.#form.field(name).value = values[name] ?? "";
  }
}

/**
 * @param {Workflow} workflow
 * @param {boolean} unsaved
 * @returns {[string, string, string]} kind, word, sentence
 */
function stateOf({ published, draft }, unsaved) {
  const met = published
    ? t("Customers meet version {version}.", { version: published.version })
    : t("Customers meet nothing yet.");
  if (unsaved) return ["warning", t("Unsaved changes"), met];
  if (draft) {
    const saved = t("Version {version} is saved and not published.", { version: draft.version });
    return ["information", t("Draft"), `${saved} ${met}`];
  }
  if (!published) return ["warning", t("Not published"), met];
  const { version, published_at: at } = published;
  return ["success", t("Published"), t("Version {version}, since {when}.", { version, when: instant(at) })];
}

/**
 * @param {Definition | undefined} definition
 * @returns {Written}
 */
function written(definition) {
  return {
    instructions: definition?.instructions ?? "",
    model: definition?.model ?? "",
    max_output_tokens: String(definition?.max_output_tokens ?? ""),
    temperature: String(definition?.temperature ?? ""),
    greeting: definition?.greeting ?? "",
  };
}

/** @param {Written} values */
function definition(values) {
  return {
    instructions: values["instructions"],
    model: values["model"]?.trim() || null,
    max_output_tokens: whole(values["max_output_tokens"] ?? ""),
    temperature: decimal(values["temperature"] ?? ""),
    greeting: values["greeting"],
  };
}

/**
 * Without taking the focus away, as `disabled` would.
 *
 * @param {HTMLElement} button
 * @param {boolean} off
 */
function disable(button, off) {
  if (off) button.setAttribute("aria-disabled", "true");
  else button.removeAttribute("aria-disabled");
}
