/** The admin page: wires its sections to Jira's frame and to our API. */

import { AdminApi } from "./admin/api.js";
import { Assistant } from "./admin/assistant.js";
import { Connection } from "./admin/connection.js";
import { Cost } from "./admin/cost.js";
import { Health } from "./admin/health.js";
import { Playground } from "./admin/playground.js";
import { Projects } from "./admin/projects.js";
import { Checklist, Setup } from "./admin/setup.js";
import { Tabs } from "./admin/tabs.js";
import { Turns } from "./admin/turns.js";
import { find, part } from "./dom.js";
import { ConnectHost } from "./host.js";
import { Api, sessionBy } from "./http.js";
import { speak, translate } from "./i18n.js";

const app = find(document, "#app", HTMLElement);
const { base = "", site = "" } = app.dataset;
const host = new ConnectHost();
host.theme();
host.fit(app);
await speak(base, await host.locale().catch(() => navigator.language));
translate(document);

const api = new AdminApi(new Api(base, sessionBy(base, host, "/api/admin/sessions")));
const setup = new Setup(api);
const refreshed = () => setup.refresh().catch(() => {}); // it stands by what it showed last
new Checklist(find(app, ".steps", HTMLElement), setup);

/** @param {string} id */
const panel = (id) => find(app, `#${id}`, HTMLElement);
const assistant = new Assistant(panel("assistant"), api, { site, changed: refreshed });
/** @type {Record<string, import("./admin/section.js").Section>} */
const sections = {
  connection: new Connection(panel("connection"), api, setup),
  assistant,
  projects: new Projects(panel("projects"), api, setup),
  playground: new Playground(panel("playground"), api, { base, isUnsaved: () => assistant.unsaved }),
  health: new Health(panel("health"), api),
  cost: new Cost(panel("cost"), api, setup),
  turns: new Turns(panel("turns"), api, site, refreshed),
};
let asked = false;
new Tabs(find(app, "[role=tablist]", HTMLElement), (name) => {
  void sections[name]?.show();
  if (!asked && name !== "connection" && name !== "cost") void refreshed(); // those two ask anyway
  asked = true;
});

const offline = part(app, "offline");
const heed = () => {
  offline.hidden = navigator.onLine;
};
addEventListener("online", heed);
addEventListener("offline", heed);
heed();
