/** The admin page in Connect's frame. */

import { openAdminPage } from "./admin/page.js";
import { find } from "./dom.js";
import { ConnectHost } from "./host.js";
import { sessionBy } from "./http.js";
import { speak, translate } from "./i18n.js";

const app = find(document, "#app", HTMLElement);
const { base = "", site = "" } = app.dataset;
const host = new ConnectHost(base);
host.theme();
host.fit(app);
await speak(base, await host.locale().catch(() => navigator.language));
translate(document);
openAdminPage(app, { base, site, session: sessionBy(host, "/api/admin/sessions") });
