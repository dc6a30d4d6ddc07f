/**
 * router.js - from a path to a page, without loading the document again.
 *
 * A page is a module with `show(place, route)`: it draws a skeleton at once, and may throw. `route.signal` aborts when
 * the page is left, which ends its requests and its listeners.
 */

import { put } from './dom.js';
import { t } from './i18n.js';
import { errorNotice } from './parts.js';
import { Problem } from './problems.js';
import { LANGUAGE, listen } from './state.js';

/** @typedef {{path: string, id?: string, query: URLSearchParams, signal: AbortSignal, returning: boolean}} Route */

const ROUTES = [
  [/^\/$/, () => import('./pages/listing.js')],
  [/^\/products\/([\w-]+)$/, () => import('./pages/product.js')],
  [/^\/cart$/, () => import('./pages/cart.js')],
  [/^\/checkout$/, () => import('./pages/checkout.js')],
  [/^\/orders$/, () => import('./pages/orders.js')],
  [/^\/orders\/([\w-]+)$/, () => import('./pages/order.js')],
  [/^\/login$/, () => import('./pages/login.js')],
  [/^\/register$/, () => import('./pages/register.js')],
  [/^\/account$/, () => import('./pages/account.js')],
];
const missing = () => import('./pages/missing.js');

let current = new AbortController();
let main;

export function start(place) {
  main = place;
  history.scrollRestoration = 'manual';
  document.addEventListener('click', followLink);
  window.addEventListener('popstate', () => draw(true));
  window.addEventListener('scroll', keepScroll, { passive: true });
  listen(LANGUAGE, () => draw(true));
  return draw(false);
}

/** Goes to a path of the shop. */
export function go(path, { replace = false } = {}) {
  history[replace ? 'replaceState' : 'pushState']({}, '', path);
  return draw(false);
}

/** Where a login leads to: a path of the shop that the address names, else the account. */
export function nextPath(query) {
  const next = query.get('next') ?? '';
  return /^\/(?!\/)[\w/-]*$/.test(next) ? next : '/account';
}

export function setTitle(title) {
  document.title = title ? `${title} – Millrace` : 'Millrace';
}

async function draw(returning) {
  current.abort();
  current = new AbortController();
  const { signal } = current;
  const [load, id] = find(location.pathname);
  const route = { path: location.pathname, id, query: new URLSearchParams(location.search), signal, returning };
  const scroll = returning ? (history.state?.scroll ?? 0) : 0;
  try {
    const page = await load();
    if (signal.aborted) return;
    const focused = document.activeElement?.id;
    put(main);
    if (!returning) window.scrollTo(0, 0);
    const shown = page.show(main, route);
    moveFocus(focused);
    await shown;
    if (!signal.aborted && returning) window.scrollTo(0, scroll);
  } catch (error) {
    if (signal.aborted) return;
    if (error instanceof Problem && error.status === 401) {
      // Whoever logs in comes back.
      go(`/login?next=${encodeURIComponent(location.pathname)}`, { replace: true });
      return;
    }
    setTitle(t('error.title'));
    put(
      main,
      errorNotice(error, () => draw(returning)),
    );
  }
}

let drawn = false;

/** To the field that was used where the new page has it (a filter), else to the page. The first page takes no focus. */
function moveFocus(id) {
  const same = id && id !== main.id && main.querySelector(`#${CSS.escape(id)}`);
  if (drawn) (same || main).focus({ preventScroll: true });
  drawn = true;
}

function find(path) {
  for (const [pattern, load] of ROUTES) {
    const match = pattern.exec(path);
    if (match) return [load, match[1]];
  }
  return [missing];
}

/** A click on a link of the shop, without a key that opens it elsewhere. */
function followLink(event) {
  const link = event.target.closest?.('a[href]');
  if (!link || event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
  if (link.origin !== location.origin || link.target || link.hasAttribute('download')) return;
  event.preventDefault();
  if (link.hash && link.pathname === location.pathname) {
    document.querySelector(link.hash)?.focus();
    return;
  }
  go(link.pathname + link.search);
}

let scrollTimer = 0;

function keepScroll() {
  clearTimeout(scrollTimer);
  scrollTimer = setTimeout(() => history.replaceState({ ...history.state, scroll: window.scrollY }, ''), 100);
}
