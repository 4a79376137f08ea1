/**
 * Forge's frame, by its bridge: https://developer.atlassian.com/platform/forge/custom-ui-bridge/bridge/
 *
 * Only a session is asked for through the bridge, whose answers come whole. Everything after that
 * goes straight to our server, which the manifest allows.
 */

import { HostMissing, within } from "../static/js/host.js";
import { Problem } from "../static/js/http.js";
import { locale } from "../static/js/i18n.js";

/** @import * as Bridge from "@forge/bridge" */

/**
 * @typedef {import("../static/js/host.js").Host} Host
 * @typedef {object} Place where the page stands
 * @property {string} base our URL, of the region that Jira calls
 * @property {string} site the address of the Jira site
 * @property {string} issue id, where the page stands on one
 */

const PATIENCE = 30_000; // Forge itself gives up after 25 s
const SHORTLY = 3000;

/** @returns {Promise<ForgeHost | null>} null: the page is not in Forge's frame */
export async function forgeHost() {
  if (!("__bridge" in globalThis)) return null; // what the package looks for as it is loaded
  return new ForgeHost(await import("@forge/bridge"));
}

/** @implements {Host} */
export class ForgeHost {
  #bridge;

  /** @param {typeof Bridge} bridge */
  constructor(bridge) {
    this.#bridge = bridge;
    document.addEventListener("click", (event) => this.#follow(event));
  }

  /**
   * @param {string} path
   * @param {object} body
   * @returns {Promise<import("../static/js/http.js").Granted>}
   */
  async open(path, body) {
    const headers = { "Content-Type": "application/json", "Accept-Language": locale() };
    const asked = this.#bridge.invokeRemote({ path, method: "POST", headers, body });
    /** @type {any} */
    const answer = await within(PATIENCE, asked).catch(() => {
      throw new HostMissing();
    });
    if (!answer?.status) throw new HostMissing();
    if (answer.status >= 200 && answer.status < 300) return answer.body;
    throw new Problem(answer.status, problemOf(answer.body));
  }

  async locale() {
    return (await within(SHORTLY, this.#bridge.view.getContext())).locale;
  }

  theme() {
    this.#bridge.view.theme.enable().catch(() => {}); // then the system's holds
  }

  fit() {
    // Forge measures the page itself, as its module names no height.
  }

  /**
   * @param {DOMStringMap} settings `base`, and `regions`: base URLs by region, as JSON
   * @returns {Promise<Place>} or `HostMissing`
   */
  async place({ base = "", regions = "{}" }) {
    const asked = within(PATIENCE, this.#bridge.view.getContext());
    const { extension, siteUrl, remoteInstallationRegion: region } = await asked;
    /** @type {Record<string, string>} */
    const bases = JSON.parse(regions);
    return {
      base: bases[(region ?? "").toUpperCase()] ?? base,
      site: siteUrl ?? "",
      issue: String(extension?.issue?.id ?? ""),
    };
  }

  /** A frame of Forge's opens no window by itself. @param {MouseEvent} event */
  #follow(event) {
    const link = event.target instanceof Element ? event.target.closest("a[target=_blank]") : null;
    if (!(link instanceof HTMLAnchorElement)) return;
    event.preventDefault();
    void this.#bridge.router.open(link.href);
  }
}

/** @param {unknown} body of a refusal, read or as text */
function problemOf(body) {
  if (typeof body !== "string") return body ?? {};
  try {
    return JSON.parse(body) ?? {};
  } catch {
    return {};
  }
}
