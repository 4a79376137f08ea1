/** Numbers, times and errors as people read them. */

import { HostMissing } from "../host.js";
import { Problem, Unreachable } from "../http.js";
import { locale, t } from "../i18n.js";

/**
 * What a person is told of an error, and what helps.
 *
 * @param {unknown} error
 * @returns {string}
 */
export function told(error) {
  if (error instanceof Unreachable) {
    return t("The app could not be reached. What you typed is kept: try again in a moment.");
  }
  if (error instanceof HostMissing) return t("Jira did not answer. Load the page again.");
  if (error instanceof Problem && error.status === 401) {
    return t("Your session has ended. Load the page again.");
  }
  if (error instanceof Problem && error.status === 403) {
    return t("Jira says that you do not administer it any more. Ask an administrator.");
  }
  if (error instanceof Problem) return error.message;
  return t("Something unexpected went wrong here. Load the page again.");
}

/**
 * What is wrong with a field, as a sentence of its own.
 *
 * @param {string} words as the server said it
 */
export function sentence(words) {
  return words.charAt(0).toLocaleUpperCase(locale()) + words.slice(1);
}

/** @param {number} value */
export function count(value) {
  return new Intl.NumberFormat(locale()).format(value);
}

/** @param {string} iso an instant */
export function instant(iso) {
  const form = new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeStyle: "short" });
  return form.format(new Date(iso));
}

/** @param {string} iso a date, or an instant of it */
export function day(iso) {
  const form = new Intl.DateTimeFormat(locale(), { dateStyle: "medium", timeZone: "UTC" });
  return form.format(new Date(iso));
}

/**
 * A whole number, also with separators between its thousands. What is none is given back as it
 * was written: the server says what is wrong with it.
 *
 * @param {string} text
 * @returns {number | string}
 */
export function whole(text) {
  const written = text.trim();
  const plain = /^\d{1,3}([.,'\s\u00a0\u202f]\d{3})+$/.test(written) ? written.replace(/\D/g, "") : written;
  return /^\d{1,15}$/.test(plain) ? Number(plain) : written;
}

/**
 * A number with a point or a comma, or nothing; else as it was written.
 *
 * @param {string} text
 * @returns {number | string | null}
 */
export function decimal(text) {
  const written = text.trim();
  if (!written) return null;
  return /^\d+([.,]\d+)?$/.test(written) ? Number(written.replace(",", ".")) : written;
}
