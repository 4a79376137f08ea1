import { Problem } from "../http.js";
import { t } from "../i18n.js";
import { sentence, told } from "./words.js";

/**
 * A form that keeps what was typed and says beside each field what is wrong with it.
 *
 * A field's error stands in the element `<field's id>-error`. What belongs to no field, and a
 * list of all that is wrong where it is more than one thing, stands above the form.
 */
export class Form {
  #form;
  #summary;
  #said;

  /** @param {HTMLFormElement} form */
  constructor(form) {
    this.#form = form;
    this.#summary = form.querySelector(".form-summary");
    this.#said = form.querySelector("[data-part=said]");
    form.addEventListener("input", (event) => this.#typed(event));
  }

  /**
   * A field by its name.
   *
   * @param {string} name
   * @returns {HTMLInputElement | HTMLTextAreaElement | HTMLSelectElement}
   */
  field(name) {
    const found = this.#form.elements.namedItem(name);
    const known =
      found instanceof HTMLInputElement ||
      found instanceof HTMLTextAreaElement ||
      found instanceof HTMLSelectElement;
    if (!known) throw new Error(`no field ${name}`);
    return found;
  }

  /**
   * Do something with the form's values; while it lasts, no button of it does anything.
   *
   * @param {string} meanwhile said while it lasts
   * @param {() => Promise<string>} work gives what is said when it is done
   * @returns {Promise<boolean>} whether it was done
   */
  async run(meanwhile, work) {
    if (this.#form.getAttribute("aria-busy") === "true") return false;
    this.clear();
    this.#form.setAttribute("aria-busy", "true");
    this.say(meanwhile);
    try {
      this.say(await work(), "well");
      return true;
    } catch (error) {
      this.say("");
      this.fail(error);
      return false;
    } finally {
      this.#form.removeAttribute("aria-busy");
    }
  }

  /**
   * @param {string} text
   * @param {"well" | ""} [how]
   */
  say(text, how = "") {
    if (!(this.#said instanceof HTMLElement)) return;
    this.#said.textContent = text;
    this.#said.dataset["how"] = how;
  }

  /** Take back every error. */
  clear() {
    for (const error of this.#form.querySelectorAll(".error")) {
      if (error instanceof HTMLElement) this.#mark(error, "");
    }
    if (this.#summary instanceof HTMLElement) this.#summary.hidden = true;
  }

  /** @param {unknown} error */
  fail(error) {
    const fields = error instanceof Problem ? error.fields : {};
    const beside = Object.entries(fields).filter(([name]) => this.#errorOf(name));
    for (const [name, text] of beside) this.#wrong(name, text);
    const [first] = beside;
    if (first) this.field(first[0]).focus();
    if (beside.length !== 1) this.#summarise(error, beside);
  }

  /**
   * @param {string} name
   * @param {string} text
   */
  #wrong(name, text) {
    const error = this.#errorOf(name);
    if (error) this.#mark(error, sentence(text));
    const hiding = this.field(name).closest("details");
    if (hiding) hiding.open = true;
  }

  /**
   * @param {unknown} error
   * @param {[string, string][]} beside
   */
  #summarise(error, beside) {
    if (!(this.#summary instanceof HTMLElement)) return;
    const title = document.createElement("p");
    title.textContent = told(error);
    if (beside.length === 0) {
      this.#summary.replaceChildren(title);
    } else {
      const list = document.createElement("ul");
      list.replaceChildren(...beside.map(([name, text]) => this.#link(name, text)));
      title.textContent = t("Nothing was saved. Please look at these fields:");
      this.#summary.replaceChildren(title, list);
    }
    this.#summary.hidden = false;
    if (beside.length === 0) this.#summary.scrollIntoView({ block: "nearest" });
  }

  /**
   * @param {string} name
   * @param {string} text
   */
  #link(name, text) {
    const link = document.createElement("a");
    const field = this.field(name);
    link.href = `#${field.id}`;
    link.textContent = `${field.labels?.[0]?.textContent?.trim() ?? ""}: ${text}`;
    link.addEventListener("click", (event) => {
      event.preventDefault();
      field.focus();
    });
    const item = document.createElement("li");
    item.append(link);
    return item;
  }

  /** @param {Event} event */
  #typed(event) {
    const field = event.target;
    if (field instanceof HTMLElement) {
      const error = this.#errorOf(field.getAttribute("name") ?? "");
      if (error) this.#mark(error, "");
    }
    this.say("");
  }

  /** @param {string} name */
  #errorOf(name) {
    const field = this.#form.elements.namedItem(name);
    const id = field instanceof HTMLElement ? field.id : "";
    return id ? document.getElementById(`${id}-error`) : null;
  }

  /**
   * @param {HTMLElement} error
   * @param {string} text
   */
  #mark(error, text) {
    error.textContent = text;
    error.hidden = text === "";
    const field = document.getElementById(error.id.replace(/-error$/, ""));
    if (text) field?.setAttribute("aria-invalid", "true");
    else field?.removeAttribute("aria-invalid");
  }
}
