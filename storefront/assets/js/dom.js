/** dom.js - makes elements. Nothing here parses HTML, so no text of the server can become an element. */

const SVG = 'http://www.w3.org/2000/svg';

/**
 * An element. `on…` members are listeners, `class` and others attributes; false and null leave one out.
 * @param {string} name
 * @param {Object<string, any>} [attributes]
 * @param {...(Node|string|null|false|Array)} children
 * @returns {HTMLElement}
 */
export function h(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

/** The same for SVG. */
export function s(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(element, attributes, children) {
  for (const [key, value] of Object.entries(attributes ?? {})) {
    if (value === false || value === null || value === undefined) continue;
    if (key.startsWith('on')) element.addEventListener(key.slice(2), value);
    else if (key === 'value') element.value = value;
    else element.setAttribute(key, value === true ? '' : String(value));
  }
  add(element, children);
  return element;
}

/** Appends; arrays are flattened, null and false left out. */
export function add(element, children) {
  for (const child of children.flat(9)) {
    if (child !== null && child !== false && child !== undefined) element.append(child);
  }
}

/** Replaces all that an element has. */
export function put(element, ...children) {
  element.replaceChildren();
  add(element, children);
}

let ids = 0;

/** An id for a label and its field. */
export function newId(prefix) {
  return `${prefix}-${++ids}`;
}
