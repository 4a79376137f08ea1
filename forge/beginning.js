/** How both pages begin: the frame found, its theme worn, its language spoken. */

import { Nobody } from "../static/js/host.js";
import { speak, translate } from "../static/js/i18n.js";
import { refuse } from "../static/js/opening.js";
import { forgeHost } from "./host.js";

const BESIDE = "."; // the catalogues lie beside the page

/**
 * @param {HTMLElement} app its `data-base` and `data-regions` say where our server is
 * @returns {Promise<{host: import("./host.js").ForgeHost} & import("./host.js").Place | null>} null:
 *   the page stands alone, and says so
 */
export async function begin(app) {
  const forge = await forgeHost();
  const host = forge ?? new Nobody();
  host.theme();
  await speak(BESIDE, await host.locale().catch(() => navigator.language));
  translate(document);
  try {
    if (forge) return { host: forge, ...(await forge.place(app.dataset)) };
  } catch {
    // It has a bridge that leads nowhere.
  }
  refuse(app, "OUTSIDE");
  return null;
}
