/** listing.js - the products: search, order, filters, one page after the other. */

import { get } from '../api.js';
import { add, h, put } from '../dom.js';
import { formatMoney, formatTitle } from '../format.js';
import { t } from '../i18n.js';
import { emptyNotice, errorNotice, skeleton, workButton } from '../parts.js';
import { picture } from '../picture.js';
import { go, setTitle } from '../router.js';

const LIMIT = 24;
const EMPTY_PAGES_MAX = 20;
const SORTS = ['name', 'price', '-price', '-created'];
const EXPONENT = 2; // Of the prices that are typed in; the catalog's currency has two digits.

/** What was loaded under an address, for who comes back to it. @type {Map<string, {items: any[], next: string|null}>} */
const kept = new Map();

export async function show(place, route) {
  const { query, signal } = route;
  const words = query.get('q')?.trim() ?? '';
  document.querySelector('.search input').value = words;
  setTitle(words ? t('listing.results', { words }) : '');
  const grid = h('ul', { class: 'grid', id: 'products' });
  const more = h('div', { class: 'more' });
  const count = h('p', { class: 'count', role: 'status' });
  const bones = skeleton('card', 12);
  put(
    place,
    h(
      'div',
      { class: 'listing-head' },
      h('h1', {}, words ? t('listing.results', { words }) : t('listing.title')),
      count,
    ),
    filters(query),
    bones,
    grid,
    more,
  );

  const address = query.toString();
  const state = (route.returning && kept.get(address)) || { items: [], next: firstPath(query) };
  kept.set(address, state);
  const draw = (items) => {
    add(grid, items.map(card));
    count.textContent = t('listing.count', { count: state.items.length });
    put(more, state.next && workButton(t('listing.more'), load));
  };
  const load = async () => {
    try {
      const before = state.items.length;
      await loadPage(state, signal);
      draw(state.items.slice(before));
      grid.children[before]?.querySelector('a').focus({ preventScroll: true });
    } catch (error) {
      if (!signal.aborted) put(more, errorNotice(error, load));
    }
  };

  try {
    if (state.items.length === 0) await loadPage(state, signal);
    draw(state.items);
    if (state.items.length === 0 && !state.next) put(more, nothing(words));
  } catch (error) {
    if (signal.aborted) return;
    put(
      more,
      errorNotice(error, () => show(place, route)),
    );
  } finally {
    bones.remove();
  }
}

function firstPath(query) {
  const wanted = new URLSearchParams({ limit: LIMIT });
  for (const name of ['q', 'sort', 'in_stock', 'price_min', 'price_max']) {
    const value = query.get(name)?.trim();
    if (value) wanted.set(name, value);
  }
  return `/v1/products?${wanted}`;
}

/** A page of a filtered listing may be empty and still have a next one. */
async function loadPage(state, signal) {
  const before = state.items.length;
  for (let pages = 0; state.next && state.items.length === before && pages < EMPTY_PAGES_MAX; pages++) {
    const answer = await get(state.next, { signal, anonymous: true });
    state.items.push(...answer.items);
    state.next = answer.page?.next ?? null;
  }
}

function card(product) {
  return h(
    'li',
    { class: 'card' },
    h(
      'a',
      { href: `/products/${product.product_id}` },
      h('span', { class: 'frame' }, picture(product)),
      h('span', { class: 'name' }, formatTitle(product.title)),
      h('span', { class: 'price' }, formatMoney(product.price)),
    ),
  );
}

function nothing(words) {
  return emptyNotice(
    words ? t('listing.nothing', { words }) : t('listing.nothing.filters'),
    t('listing.nothing.text'),
    h('a', { href: '/', class: 'button' }, t('listing.all')),
  );
}

/** Each change is an address of its own, so that it can be sent to somebody, and the back button undoes it. */
function filters(query) {
  const change = (name, value) => {
    const wanted = new URLSearchParams(query);
    if (value) wanted.set(name, value);
    else wanted.delete(name);
    go(`/?${wanted}`.replace(/\?$/, ''));
  };
  const first = query.get('q') ? ['relevance'] : [];
  const sort = h(
    'select',
    { id: 'filter-sort', onchange: () => change('sort', sort.value) },
    [...first, ...SORTS].map((name, index) =>
      h(
        'option',
        { value: name, selected: query.get('sort') ? query.get('sort') === name : index === 0 },
        t(`sort.${name}`),
      ),
    ),
  );
  const stock = h('input', {
    type: 'checkbox',
    id: 'filter-stock',
    checked: query.get('in_stock') === 'true',
    onchange: () => change('in_stock', stock.checked ? 'true' : null),
  });
  return h(
    'form',
    { class: 'filters', 'aria-label': t('filters'), onsubmit: (event) => event.preventDefault() },
    h('div', {}, h('label', { for: sort.id }, t('sort')), sort),
    h(
      'fieldset',
      {},
      h('legend', {}, t('price')),
      h(
        'div',
        { class: 'range' },
        priceField(query, 'price_min', change),
        h('span', { 'aria-hidden': 'true' }, '–'),
        priceField(query, 'price_max', change),
      ),
    ),
    h('label', { class: 'check', for: stock.id }, stock, t('filters.stock')),
  );
}

function priceField(query, name, change) {
  const minor = query.get(name);
  const field = h('input', {
    type: 'number',
    id: `filter-${name}`,
    min: 0,
    step: 0.01,
    inputmode: 'decimal',
    'aria-label': t(name),
    placeholder: t(`${name}.short`),
    value: minor ? String(Number(minor) / 10 ** EXPONENT) : '',
    onchange: () =>
      change(name, field.value === '' ? null : String(Math.max(0, Math.round(Number(field.value) * 10 ** EXPONENT)))),
  });
  return field;
}
