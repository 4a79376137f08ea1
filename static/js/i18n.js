/**
 * The words that people read, in their language. The English text is the key.
 *
 * In code `t("Approved by {name}", { name })`. In HTML `data-t` on an element without children:
 * its text; `data-t-<attribute>`: that attribute's. What the catalogue lacks stays English, and so
 * does what the server has said in the language already.
 */

/** @type {Record<string, string>} */
let catalogue = {};
let language = "en";

/**
 * Take the language of a locale. A catalogue that cannot be had leaves English.
 *
 * @param {string} base the app's path, such as "" or "/chat"
 * @param {string} locale such as `es-ES` or `es_ES`
 */
export async function speak(base, locale) {
  const wanted = locale.replace("_", "-");
  const short = wanted.split("-")[0].toLowerCase();
  if (!/^[a-z]{2,3}$/.test(short) || short === "en") {
    language = short === "en" ? wanted : "en";
    return;
  }
  try {
    const answer = await fetch(`${base}/i18n/${short}.json`);
    if (answer.ok) {
      catalogue = await answer.json();
      language = wanted;
      document.documentElement.lang = short;
    }
  } catch {
    // English is better than nothing.
  }
}

/** The locale for numbers, times, and what is asked of the server. @returns {string} */
export function locale() {
  try {
    return Intl.getCanonicalLocales(language)[0] ?? "en";
  } catch {
    return "en";
  }
}

/**
 * @param {string} text English, with `{name}` where a value goes
 * @param {Record<string, string | number>} [values]
 * @returns {string}
 */
export function t(text, values = {}) {
  const words = Object.hasOwn(catalogue, text) ? catalogue[text] : text;
  return words.replace(/\{(\w+)\}/g, (hole, name) => String(values[name] ?? hole));
}

/**
 * Mark a text of a table: it is translated where it is shown.
 *
 * @template {string} T
 * @param {T} text
 */
export const m = (text) => text;

/**
 * Translate what `data-t` marks, templates included.
 *
 * @param {ParentNode} root
 */
export function translate(root) {
  for (const template of root.querySelectorAll("template")) translate(template.content);
  for (const element of root.querySelectorAll("*")) {
    for (const { name } of [...element.attributes]) {
      if (name === "data-t") {
        element.textContent = t(plain(element.textContent ?? ""));
      } else if (name.startsWith("data-t-")) {
        const attribute = name.slice("data-t-".length);
        element.setAttribute(attribute, t(plain(element.getAttribute(attribute) ?? "")));
      }
    }
  }
}

/** As one line, however the HTML is broken. @param {string} text */
function plain(text) {
  return text.replace(/\s+/g, " ").trim();
}
