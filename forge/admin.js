/** The admin page in Forge's frame. */

import { openAdminPage } from "../static/js/admin/page.js";
import { announce, find } from "../static/js/dom.js";
import { sessionBy } from "../static/js/http.js";
import { insist, refuse } from "../static/js/opening.js";
import { begin } from "./beginning.js";

const app = find(document, "#app", HTMLElement);
const begun = await begin(app);
if (begun) {
  const { host, base, site } = begun;
  const session = sessionBy(host, "/api/admin/sessions");
  try {
    await insist(() => session.current(), announce);
    openAdminPage(app, { base, site, session });
  } catch (error) {
    refuse(app, error);
  }
}
