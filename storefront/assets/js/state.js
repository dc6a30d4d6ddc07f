/**
 * state.js - what the shop's pages share, and what of it stays in the browser.
 *
 * localStorage has the language, the guest's cart token, the consistency token and the keys of requests under way: all
 * tabs share them. An access token stays in memory and is never written down.
 */

const PREFIX = 'millrace.';

/** Names of the events of `changes`. */
export const CART = 'cart';
export const SESSION = 'session';
export const LANGUAGE = 'language';

/** Tells the pages of this tab, and of others where the browser does, that something changed. */
export const changes = new EventTarget();

/** Without storage (a private window may have none) the shop works until the page is closed. */
const memory = new Map();

/** @returns {string|null} */
export function recall(name) {
  try {
    return localStorage.getItem(PREFIX + name);
  } catch {
    return memory.get(name) ?? null;
  }
}

/** @param {string} name @param {string|null} value null forgets it */
export function remember(name, value) {
  try {
    if (value === null) localStorage.removeItem(PREFIX + name);
    else localStorage.setItem(PREFIX + name, value);
  } catch {
    if (value === null) memory.delete(name);
    else memory.set(name, value);
  }
}

/** The access token is written nowhere else. @type {{access: string|null, userId: string|null, email: string|null}} */
export const session = { access: null, userId: null, email: null };

export function guestToken() {
  return recall('guest');
}

/** Calls `handle` for each change of this kind until the signal aborts. */
export function listen(kind, handle, signal) {
  changes.addEventListener(kind, handle, { signal });
}

export function announce(kind) {
  changes.dispatchEvent(new Event(kind));
}

/** How many units are in the cart; null where it is not known. */
export function cartUnits() {
  const text = recall('units');
  return text === null ? null : Number(text);
}

export function rememberUnits(units) {
  if (units === cartUnits()) return;
  remember('units', units === null ? null : String(units));
  announce('units');
}

// Another tab has changed the cart: what it wrote down arrives here.
window.addEventListener('storage', (event) => {
  if (event.key === `${PREFIX}units`) announce('units');
  if (event.key === `${PREFIX}cart-change`) announce(CART);
  if (event.key === `${PREFIX}logged-in`) announce('logged-in');
});

/** After a change of the cart by this tab. */
export function cartChanged(units) {
  rememberUnits(units);
  remember('cart-change', `${Date.now()} ${Math.random()}`);
}
