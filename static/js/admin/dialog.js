import { find, part } from "../dom.js";

/**
 * Ask in a dialog, near what was pressed: Jira's frame may be much taller than the window, and
 * its middle out of sight.
 *
 * @param {HTMLDialogElement} dialog its form is submitted to say yes
 * @param {Element | null} from what was pressed; it has the focus again afterwards
 * @param {() => boolean} [mayClose] asked before a yes is taken
 * @returns {Promise<boolean>}
 */
export function ask(dialog, from, mayClose = () => true) {
  const form = dialog.querySelector("form");
  return new Promise((resolve) => {
    const done = new AbortController();
    const options = { signal: done.signal };
    let yes = false;
    form?.addEventListener(
      "submit",
      (event) => {
        yes = mayClose();
        if (!yes) event.preventDefault();
      },
      options,
    );
    part(dialog, "cancel").addEventListener("click", () => dialog.close(), options);
    dialog.addEventListener(
      "close",
      () => {
        done.abort();
        if (from instanceof HTMLElement) from.focus();
        resolve(yes);
      },
      options,
    );
    dialog.showModal();
    place(dialog, from);
    find(dialog, "h2", HTMLElement).focus(); // what is asked is read first
  });
}

/**
 * It is laid out on the page, not on the frame's window: what is fixed cannot be scrolled into
 * sight from within the frame.
 *
 * @param {HTMLDialogElement} dialog
 * @param {Element | null} from
 */
function place(dialog, from) {
  const edge = 16;
  const height = dialog.offsetHeight;
  const middle = from ? from.getBoundingClientRect().top : height / 2 + 64;
  const room = document.documentElement.scrollHeight - scrollY - height - edge;
  const top = Math.max(edge, Math.min(middle - height / 2, room));
  dialog.style.setProperty("top", `${scrollY + top}px`);
  dialog.scrollIntoView({ block: "nearest" });
}
