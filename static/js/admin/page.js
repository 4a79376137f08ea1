/** The admin page: wires its sections to our API. */

import { find, part } from "../dom.js";
import { Api } from "../http.js";
import { AdminApi } from "./api.js";
import { Assistant } from "./assistant.js";
import { Connection } from "./connection.js";
import { Cost } from "./cost.js";
import { Health } from "./health.js";
import { Playground } from "./playground.js";
import { Projects } from "./projects.js";
import { Checklist, Setup } from "./setup.js";
import { Tabs } from "./tabs.js";
import { Turns } from "./turns.js";

/**
 * @param {HTMLElement} app
 * @param {object} place
 * @param {string} place.base the app's path, or its whole URL
 * @param {string} place.site the address of the Jira site, for links
 * @param {import("../http.js").Session} place.session an admin's
 */
export function openAdminPage(app, { base, site, session }) {
  const api = new AdminApi(new Api(base, session));
  const setup = new Setup(api);
  const refreshed = () => setup.refresh().catch(() => {}); // it stands by what it showed last
  new Checklist(find(app, ".steps", HTMLElement), setup);

  /** @param {string} id */
  const panel = (id) => find(app, `#${id}`, HTMLElement);
  const assistant = new Assistant(panel("assistant"), api, { site, changed: refreshed });
  /** @type {Record<string, import("./section.js").Section>} */
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
}
