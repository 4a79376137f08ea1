/** Instants as people read them. */

import { locale, t } from "../i18n.js";

const MINUTE = 60;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/**
 * How long ago: "just now", "5 min. ago", "2 hr. ago", then the date.
 *
 * @param {Date} instant
 * @param {Date} [now]
 * @returns {string}
 */
export function ago(instant, now = new Date()) {
  const seconds = (now.getTime() - instant.getTime()) / 1000;
  const words = new Intl.RelativeTimeFormat(locale(), { numeric: "always", style: "long" });
  if (seconds < MINUTE) return t("just now");
  if (seconds < HOUR) return words.format(-Math.floor(seconds / MINUTE), "minute");
  if (seconds < DAY) return words.format(-Math.floor(seconds / HOUR), "hour");
  if (seconds < 7 * DAY) return words.format(-Math.floor(seconds / DAY), "day");
  return new Intl.DateTimeFormat(locale(), { dateStyle: "medium" }).format(instant);
}

/** Date and time, whole. @param {Date} instant */
export function whole(instant) {
  const style = /** @type {const} */ ({ dateStyle: "full", timeStyle: "short" });
  return new Intl.DateTimeFormat(locale(), style).format(instant);
}

/** The time of day, with the date where it is not today's. @param {Date} instant */
export function clock(instant, now = new Date()) {
  const today = instant.toDateString() === now.toDateString();
  return new Intl.DateTimeFormat(locale(), {
    timeStyle: "short",
    ...(today ? {} : { dateStyle: "medium" }),
  }).format(instant);
}

/** Seconds with one decimal. @param {number} milliseconds */
export function duration(milliseconds) {
  const seconds = new Intl.NumberFormat(locale(), { maximumFractionDigits: 1 });
  return t("{seconds} s", { seconds: seconds.format(milliseconds / 1000) });
}
