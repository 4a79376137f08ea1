/** The page that says why there is nothing to see: in Jira's theme and the viewer's language. */

import { find } from "./dom.js";
import { ConnectHost } from "./host.js";
import { speak, translate } from "./i18n.js";

const app = find(document, "#app", HTMLElement);
const { base = "" } = app.dataset;
const host = new ConnectHost(base);
host.theme();
host.fit(app);
await speak(base, await host.locale().catch(() => navigator.language));
translate(document);
