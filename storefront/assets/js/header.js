/** header.js - what stands above and below each page: the mark, the search, language, account and cart. */

import { h, put } from './dom.js';
import { LANGUAGES, chooseLanguage, currentLanguage, t } from './i18n.js';
import { icon } from './parts.js';
import { go } from './router.js';
import { LANGUAGE, SESSION, cartUnits, listen, session } from './state.js';

export function startHeader(top, bottom) {
  const draw = () => {
    document.getElementById('skip').textContent = t('skip');
    put(top, mark(), searchForm(), navigation());
    put(bottom, h('p', {}, t('footer')), languageChoice());
  };
  draw();
  listen(LANGUAGE, draw);
  listen(SESSION, draw);
  listen('units', drawUnits);
}

function mark() {
  return h(
    'a',
    { href: '/', class: 'mark', 'aria-label': t('home') },
    h('img', { src: '/assets/mark.svg', alt: '', width: 32, height: 32 }),
    h('span', {}, 'Millrace'),
  );
}

function searchForm() {
  const field = h('input', {
    type: 'search',
    name: 'q',
    placeholder: t('search.hint'),
    'aria-label': t('search.label'),
    maxlength: 100,
    value: new URLSearchParams(location.search).get('q') ?? '',
    autocomplete: 'off',
    enterkeyhint: 'search',
  });
  const submit = (event) => {
    event.preventDefault();
    const text = field.value.trim();
    go(text ? `/?q=${encodeURIComponent(text)}` : '/');
  };
  return h(
    'form',
    { class: 'search', role: 'search', action: '/', onsubmit: submit },
    field,
    h('button', { type: 'submit', 'aria-label': t('search.go') }, icon('search')),
  );
}

function navigation() {
  const [path, name] = session.access ? ['/account', t('account')] : ['/login', t('login')];
  return h(
    'nav',
    { 'aria-label': t('navigation') },
    h('a', { href: path, class: 'with-icon' }, icon('user'), h('span', { class: 'word' }, name)),
    h('a', { href: '/cart', class: 'with-icon', id: 'cart-link' }, cartLink()),
  );
}

/** The word and the number are for the eyes; a screen reader gets both as one sentence. */
function cartLink() {
  const units = cartUnits() ?? 0;
  return [
    icon('cart'),
    h('span', { class: 'word', 'aria-hidden': 'true' }, t('cart')),
    units > 0 && h('span', { class: 'badge', 'aria-hidden': 'true' }, units),
    h('span', { class: 'unseen' }, t('cart.label', { count: units })),
  ];
}

function drawUnits() {
  put(document.getElementById('cart-link'), ...cartLink());
}

function languageChoice() {
  const button = ([tag, name]) =>
    h(
      'button',
      {
        type: 'button',
        lang: tag,
        'aria-pressed': String(tag === currentLanguage()),
        onclick: () => chooseLanguage(tag),
      },
      name,
    );
  return h(
    'div',
    { class: 'languages', role: 'group', 'aria-label': t('language') },
    Object.entries(LANGUAGES).map(button),
  );
}
