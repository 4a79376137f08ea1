/** The issue panel in Forge's frame. */

import { forgetOld } from "../static/js/chat/kept.js";
import { Panel } from "../static/js/chat/panel.js";
import { find } from "../static/js/dom.js";
import { expectPanel, issueShell, refuse } from "../static/js/opening.js";
import { begin } from "./beginning.js";

const app = find(document, "#app", HTMLElement);
const begun = await begin(app);
if (begun) {
  const { host, base, issue } = begun;
  forgetOld();
  try {
    new Panel(app, host, await issueShell(base, host, issue, expectPanel(app))).open();
  } catch (error) {
    refuse(app, error);
  }
}
