/** Where a message is written. What is typed is kept until it is said. */

import { find, part } from "../dom.js";
import { t } from "../i18n.js";

const MOST = 32_000;
const COUNT_FROM = 28_000;

/**
 * @typedef {object} Terms
 * @property {"internal" | "public"} audience
 * @property {boolean} warns the public composer of somebody who is not the customer
 * @property {import("./kept.js").Kept} kept
 * @property {import("./kept.js").Once} once the yes to "the customer will read this"
 * @property {(text: string) => void} say
 */

export class Composer {
  #terms;
  #form;
  #text;
  #send;
  #hint;
  #question;
  #closed = "";

  /**
   * @param {HTMLElement} root holds the part `composer`
   * @param {Terms} terms
   */
  constructor(root, terms) {
    this.#terms = terms;
    this.#form = find(root, "[data-part=composer]", HTMLFormElement);
    this.#text = find(this.#form, "textarea", HTMLTextAreaElement);
    this.#send = find(this.#form, "[data-part=send]", HTMLButtonElement);
    this.#hint = part(this.#form, "hint");
    this.#question = part(this.#form, "question");
    this.#name();
    this.#text.value = terms.kept.read().text;
    this.#listen();
    this.#arrange();
    this.#form.hidden = false;
  }

  /** @param {string} why it is closed, or empty: it is open */
  close(why) {
    if (this.#closed === why) return;
    this.#closed = why;
    this.#arrange();
  }

  /** Put words back that were not taken, before what is being typed. @param {string} text */
  giveBack(text) {
    this.#text.value = [text, this.#text.value].filter(Boolean).join("\n\n");
    this.#terms.kept.write({ text: this.#text.value });
    this.#arrange();
    this.#text.focus();
  }

  #name() {
    const { audience, warns } = this.#terms;
    const label =
      audience === "internal"
        ? t("Ask the assistant. Only your team sees it.")
        : warns
          ? t("Write to the customer and the assistant")
          : t("Ask the assistant");
    const question = part(this.#question, "yes").closest(".message")?.querySelector(".title");
    this.#text.setAttribute("aria-label", label);
    this.#send.textContent = warns ? t("Send to customer") : t("Send");
    this.#hint.id = `hint-${audience}`;
    this.#text.setAttribute("aria-describedby", this.#hint.id);
    if (question) question.id = `question-${audience}`;
    this.#question.setAttribute("aria-labelledby", `question-${audience}`);
  }

  #listen() {
    this.#form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#submit();
    });
    this.#text.addEventListener("input", () => {
      this.#terms.kept.write({ text: this.#text.value });
      this.#arrange();
    });
    this.#text.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#submit();
    });
    part(this.#form, "yes").addEventListener("click", () => {
      this.#terms.once.give();
      this.#answer();
      this.#submit();
    });
    part(this.#form, "no").addEventListener("click", () => this.#answer());
    this.#question.addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.#answer();
    });
  }

  #submit() {
    if (!this.#sendable()) return;
    if (this.#terms.warns && !this.#terms.once.given) {
      this.#question.hidden = false;
      this.#question.focus();
      return;
    }
    const text = this.#text.value;
    this.#text.value = "";
    this.#terms.say(text);
    this.#terms.kept.write({ text: "" });
    this.#arrange();
  }

  /** The question is answered, either way. */
  #answer() {
    this.#question.hidden = true;
    this.#text.focus();
  }

  #sendable() {
    const { value } = this.#text;
    return this.#closed === "" && value.trim() !== "" && lengthOf(value) <= MOST;
  }

  #arrange() {
    const { value } = this.#text;
    const length = value.length < COUNT_FROM ? 0 : lengthOf(value);
    this.#form.classList.toggle("closed", this.#closed !== "");
    this.#text.readOnly = this.#closed !== "";
    this.#text.placeholder = this.#closed ? "" : (this.#text.getAttribute("aria-label") ?? "");
    this.#send.hidden = this.#closed !== "";
    this.#send.setAttribute("aria-disabled", String(!this.#sendable()));
    this.#hint.classList.toggle("error", length > MOST);
    this.#text.setAttribute("aria-invalid", String(length > MOST));
    this.#hint.textContent = this.#closed || hintOf(length);
  }
}

/** @param {number} length 0: far from the most */
function hintOf(length) {
  if (length > MOST) {
    return t("{over} characters too many. Shorten the message or send it in parts.", {
      over: length - MOST,
    });
  }
  if (length) return t("{left} characters left", { left: MOST - length });
  return t("Enter sends, Shift+Enter begins a new line.");
}

/** In characters as the server counts them. @param {string} text */
function lengthOf(text) {
  let length = 0;
  for (const _ of text) length += 1;
  return length;
}
