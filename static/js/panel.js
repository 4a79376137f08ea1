/** The issue panel in Connect's frame. What it has to know stands in its page. */

import { forgetOld } from "./chat/kept.js";
import { Panel } from "./chat/panel.js";
import { find } from "./dom.js";
import { ConnectHost } from "./host.js";
import { speak, translate } from "./i18n.js";

/** @typedef {import("./chat/panel.js").Audience} Audience */

const app = find(document, "#app", HTMLElement);
const { base = "", issue = "", audiences = "", first = "", reporter = "" } = app.dataset;
const host = new ConnectHost(base);
host.theme();
host.fit(app);
forgetOld();
await speak(base, await host.locale().catch(() => navigator.language));
translate(document);
new Panel(app, host, {
  base,
  id: issue,
  audiences: /** @type {Audience[]} */ (audiences.split(" ")),
  first: /** @type {Audience} */ (first),
  isReporter: reporter === "true",
}).open();
