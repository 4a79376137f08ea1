/** A draft's card: what approving does, the buttons, and who decided. */

import { clone, find, part } from "../dom.js";
import { m, t } from "../i18n.js";
import { Kept } from "./kept.js";

/** @typedef {import("./thread.js").Item} Item */

/**
 * @typedef {object} Decide
 * @property {boolean} may whether the viewer decides
 * @property {(itemId: string, what: string, body?: object) => Promise<void>} decide
 * @property {(accountId: string | null) => string} name
 * @property {(error: unknown) => string} explain
 */

const LOZENGES = /** @type {const} */ ({
  open: [m("Draft"), "warning"],
  approved: [m("Approved"), "success"],
  posted: [m("Approved"), "success"],
  rejected: [m("Rejected"), "danger"],
  withdrawn: [m("Withdrawn"), ""],
  replaced: [m("Replaced"), ""],
});

export class DraftView {
  element = clone("draft-template");
  #decide;
  #itemId;
  #kept;
  #text = "";
  #open = false;
  #busy = false;
  /** @type {"reject" | "regenerate" | null} */
  #asking = null;
  #parts;

  /**
   * @param {string} itemId
   * @param {Decide} decide
   */
  constructor(itemId, decide) {
    this.#itemId = itemId;
    this.#decide = decide;
    this.#kept = new Kept("draft", itemId);
    this.#parts = {
      state: part(this.element, "state"),
      where: part(this.element, "where"),
      error: part(this.element, "error"),
      actions: part(this.element, "actions"),
      editing: find(this.element, "[data-part=editing]", HTMLFormElement),
      text: find(this.element, "[data-part=editing-text]", HTMLTextAreaElement),
      asking: find(this.element, "[data-part=asking]", HTMLFormElement),
      answer: find(this.element, "[data-part=asking-text]", HTMLInputElement),
    };
    this.#label("editing-label", this.#parts.text);
    this.#label("asking-label", this.#parts.answer);
    this.#listen();
    const typed = this.#kept.read().text;
    if (typed) this.#edit(typed);
  }

  /** @param {Item} item */
  show(item) {
    const draft = item.draft;
    if (draft === null) return;
    this.#text = item.text;
    this.#open = draft.state === "open" && !item.streaming;
    const [word, look] = LOZENGES[draft.state];
    this.#parts.state.textContent = t(word);
    this.#parts.state.className = `lozenge ${look}`;
    this.#parts.where.textContent = this.#where(item, draft);
    this.#arrange();
  }

  /**
   * @param {Item} item
   * @param {import("./thread.js").Draft} draft
   */
  #where(item, draft) {
    const name = this.#decide.name(draft.by);
    const reason = draft.reason ?? "";
    switch (draft.state) {
      case "open":
        return draft.as === "public"
          ? t("Approving sends this to the customer.")
          : t("Approving adds this as an internal note.");
      case "approved":
        return item.undelivered === null
          ? t("by {name}. It is being posted.", { name })
          : t("by {name}, but Jira did not take it.", { name });
      case "posted":
        return draft.as === "public"
          ? t("by {name} and sent to the customer.", { name })
          : t("by {name} and added as an internal note.", { name });
      case "rejected":
        return reason ? t("by {name}: {reason}", { name, reason }) : t("by {name}.", { name });
      case "withdrawn":
        return t("It is not to be posted any more.");
      case "replaced":
        return t("It was written again, below.");
    }
  }

  #listen() {
    this.#click("approve", () => this.#do("approve"));
    this.#click("edit", () => this.#edit(this.#text));
    this.#click("reject", () => this.#ask("reject"));
    this.#click("regenerate", () => this.#ask("regenerate"));
    this.#click("save-approve", () => this.#save(true));
    this.#click("cancel-edit", () => this.#closeEdit());
    this.#click("cancel-ask", () => this.#closeAsk());
    const { editing, asking, text } = this.#parts;
    editing.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#save(false);
    });
    asking.addEventListener("submit", (event) => {
      event.preventDefault();
      void this.#answer();
    });
    text.addEventListener("input", () => this.#kept.write({ text: text.value }));
    this.element.addEventListener("keydown", (event) => {
      if (event.key !== "Escape") return;
      if (!asking.hidden) this.#closeAsk();
      else if (!editing.hidden && text.value === this.#text) this.#closeEdit();
    });
  }

  /** @param {string} text */
  #edit(text) {
    this.#parts.text.value = text;
    this.#parts.editing.hidden = false;
    this.#arrange();
    if (this.element.isConnected) this.#parts.text.focus();
  }

  #closeEdit() {
    this.#kept.write({ text: "" });
    this.#parts.editing.hidden = true;
    this.#arrange();
    part(this.element, "edit").focus();
  }

  /** @param {boolean} approve afterwards */
  async #save(approve) {
    const text = this.#parts.text.value;
    if (text !== this.#text && !(await this.#do("edit", { text }))) return;
    if (approve && !(await this.#do("approve"))) return;
    this.#closeEdit();
  }

  /** @param {"reject" | "regenerate"} what */
  #ask(what) {
    this.#asking = what;
    const reject = what === "reject";
    const label = reject ? t("Why not? (optional)") : t("What should be different? (optional)");
    part(this.element, "asking-label").textContent = label;
    part(this.element, "asking-do").textContent = reject ? t("Reject draft") : t("Write again");
    this.#parts.asking.hidden = false;
    this.#arrange();
    this.#parts.answer.focus();
  }

  #closeAsk() {
    const from = this.#asking ?? "reject";
    this.#asking = null;
    this.#parts.asking.hidden = true;
    this.#parts.answer.value = "";
    this.#arrange();
    part(this.element, from).focus();
  }

  async #answer() {
    const said = this.#parts.answer.value.trim();
    const field = this.#asking === "reject" ? "reason" : "hint";
    const done = await this.#do(this.#asking ?? "reject", said ? { [field]: said } : {});
    if (done) this.#closeAsk();
  }

  /**
   * @param {string} what
   * @param {object} [body]
   * @returns {Promise<boolean>} whether it was taken
   */
  async #do(what, body) {
    if (this.#busy) return false;
    this.#busy = true;
    this.#parts.error.hidden = true;
    this.#arrange();
    try {
      await this.#decide.decide(this.#itemId, what, body);
      return true;
    } catch (error) {
      this.#parts.error.textContent = this.#decide.explain(error);
      this.#parts.error.hidden = false;
      return false;
    } finally {
      this.#busy = false;
      this.#arrange();
    }
  }

  /** What is shown follows from what is open; what somebody typed stays in sight. */
  #arrange() {
    const { actions, editing, asking } = this.#parts;
    const decides = this.#open && this.#decide.may;
    if (!decides) asking.hidden = true;
    actions.hidden = !decides || !editing.hidden || !asking.hidden;
    for (const button of this.element.querySelectorAll("button")) button.disabled = this.#busy;
    for (const name of ["save", "save-approve"]) part(this.element, name).hidden = !decides;
  }

  /**
   * @param {string} name
   * @param {() => unknown} action
   */
  #click(name, action) {
    part(this.element, name).addEventListener("click", () => void action());
  }

  /**
   * @param {string} name
   * @param {HTMLElement} field
   */
  #label(name, field) {
    field.id = `${name}-${this.#itemId}`;
    part(this.element, name).setAttribute("for", field.id);
  }
}
