// The stand-in for what Forge puts before an app's page: `__bridge.callBridge(command, payload)`,
// which npm's @forge/bridge calls and nothing else does. It speaks over messages with the site that
// it was loaded from, and with nobody else. Forge, too, keeps a frame as high as what is in it.
// @ts-check
(() => {
  const script = document.currentScript;
  if (!(script instanceof HTMLScriptElement)) throw new Error("a classic script");
  const site = new URL(script.src).origin;
  /** @type {Map<number, PromiseWithResolvers<any>>} */
  const asked = new Map();
  const sheet = new CSSStyleSheet();
  let last = 0;

  /**
   * @param {string} command
   * @param {unknown} [payload]
   * @returns {Promise<any>}
   */
  function ask(command, payload) {
    const answer = Promise.withResolvers();
    last += 1;
    asked.set(last, answer);
    if (parent !== window) parent.postMessage({ forge: "ask", id: last, command, payload }, site);
    return answer.promise;
  }

  /** @param {"light" | "dark"} mode */
  function wear(mode) {
    document.documentElement.dataset.theme = "light:light dark:dark";
    document.documentElement.dataset.colorMode = mode;
  }

  /**
   * @param {string} command
   * @param {unknown} [payload]
   * @returns {Promise<any>}
   */
  async function callBridge(command, payload) {
    const answer = await ask(command, payload);
    if (command !== "enableTheming") return answer;
    sheet.replaceSync(answer.css);
    if (!document.adoptedStyleSheets.includes(sheet)) document.adoptedStyleSheets.push(sheet);
    wear(answer.mode);
    return undefined;
  }

  addEventListener("message", ({ source, origin, data }) => {
    if (source !== parent || origin !== site) return;
    if (data?.forge === "theme") wear(data.mode);
    const answer = asked.get(data?.id);
    if (data?.forge !== "answer" || !answer) return;
    asked.delete(data.id);
    if (data.error) answer.reject(new Error(data.error));
    else answer.resolve(data.value);
  });
  addEventListener("DOMContentLoaded", () => {
    new ResizeObserver(() => {
      const height = Math.ceil(document.body.getBoundingClientRect().height);
      void ask("resize", { height });
    }).observe(document.body);
  });
  Object.assign(globalThis, { __bridge: { callBridge } });
})();
