/** Finding and making elements: by template, never by markup in text. */

/**
 * The element that must be there.
 *
 * @template {Element} T
 * @param {ParentNode} root
 * @param {string} selector
 * @param {new (...args: never[]) => T} type such as `HTMLButtonElement`
 * @returns {T}
 */
export function find(root, selector, type) {
  const found = root.querySelector(selector);
  if (!(found instanceof type)) throw new Error(`no ${type.name} at ${selector}`);
  return found;
}

/**
 * A named part of a cloned template: `data-part="name"`.
 *
 * @param {ParentNode} root
 * @param {string} name
 * @returns {HTMLElement}
 */
export function part(root, name) {
  return find(root, `[data-part="${name}"]`, HTMLElement);
}

/**
 * A copy of the one element in `<template id="…">`.
 *
 * @param {string} id
 * @returns {HTMLElement}
 */
export function clone(id) {
  const { content } = find(document, `template#${id}`, HTMLTemplateElement);
  const made = document.importNode(content, true).firstElementChild;
  if (!(made instanceof HTMLElement)) throw new Error(`template #${id} holds no element`);
  return made;
}

/**
 * A new element with text or other nodes in it.
 *
 * @template {keyof HTMLElementTagNameMap} K
 * @param {K} tag
 * @param {{class?: string}} [options]
 * @param {(Node | string)[]} children
 * @returns {HTMLElementTagNameMap[K]}
 */
export function make(tag, options = {}, ...children) {
  const made = document.createElement(tag);
  if (options.class) made.className = options.class;
  made.append(...children);
  return made;
}

/**
 * Say something once to those who listen: `<p id="announcer" aria-live="polite">`.
 *
 * @param {string} text
 */
export function announce(text) {
  const region = find(document, "#announcer", HTMLElement);
  region.textContent = "";
  setTimeout(() => {
    region.textContent = text;
  }, 50); // a change is spoken; the same words again would be none
}

let made = 0;

/** An id for `aria-labelledby` and its like, unique on the page. @param {string} of */
export function newId(of) {
  made += 1;
  return `${of}-${made}`;
}
