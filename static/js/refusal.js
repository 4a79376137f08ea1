/** The page that says why there is nothing to see: in Jira's theme and the viewer's language. */

import { find } from "./dom.js";
import { ConnectHost } from "./host.js";
import { speak, translate } from "./i18n.js";

const host = new ConnectHost();
const app = find(document, "#app", HTMLElement);
host.theme();
host.fit(app);
const locale = await host.locale().catch(() => navigator.language);
await speak(app.dataset.base ?? "", locale);
translate(document);
