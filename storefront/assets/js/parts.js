/** parts.js - what several pages show: notices, quantity fields, stock, skeletons, toasts. */

import { h, newId, put, s } from './dom.js';
import { t } from './i18n.js';
import { sentenceOf } from './problems.js';

const ICONS = {
  minus: 'M5 12h14',
  plus: 'M5 12h14M12 5v14',
  cart: 'M4 5h2l2 11h10l2-8H7M10 20h.01M17 20h.01',
  user: 'M12 12a4 4 0 1 0 0-8 4 4 0 0 0 0 8Zm-7 8c1-4 4-5 7-5s6 1 7 5',
  search: 'M11 18a7 7 0 1 0 0-14 7 7 0 0 0 0 14Zm5-2 4 4',
  check: 'm5 12 5 5 9-10',
  alert: 'M12 4 2.5 20h19L12 4Zm0 6v5m0 2.5v.01',
  back: 'M19 12H5m6-6-6 6 6 6',
};

export function icon(name) {
  return s('svg', { class: 'icon', viewBox: '0 0 24 24', 'aria-hidden': 'true' }, s('path', { d: ICONS[name] }));
}

/** A refusal or a lost connection in words, with a way on. */
export function errorNotice(error, retry = null) {
  return h(
    'div',
    { class: 'notice bad', role: 'alert' },
    icon('alert'),
    h(
      'div',
      {},
      h('p', {}, sentenceOf(error)),
      retry && h('button', { class: 'button quiet', onclick: retry }, t('again')),
    ),
  );
}

export function warning(...children) {
  return h('p', { class: 'hint warn' }, icon('alert'), h('span', {}, ...children));
}

/** An empty place with a way on. */
export function emptyNotice(title, text, ...actions) {
  return h(
    'div',
    { class: 'empty' },
    h('h2', {}, title),
    text && h('p', {}, text),
    h('div', { class: 'actions' }, ...actions),
  );
}

/** How many there are, in words and a colour. @param {{band: string, available?: number}} stock */
export function stockBand(stock) {
  const few = stock.band === 'low' && stock.available !== undefined;
  return h(
    'p',
    { class: `stock ${stock.band}` },
    few ? t('stock.few', { count: stock.available }) : t(`stock.${stock.band}`),
  );
}

/**
 * A number with a button on either side.
 * @param {{value: number, label: string, min?: number, onchange?: (quantity: number) => void}} options
 */
export function quantityField({ value, label, min = 1, onchange }) {
  const field = h('input', {
    id: newId('quantity'),
    type: 'number',
    inputmode: 'numeric',
    min,
    max: 9999,
    step: 1,
    value,
    'aria-label': label,
  });
  const take = (quantity) => {
    const sound = Number.isInteger(quantity) && quantity >= min && quantity <= 9999;
    if (sound && quantity !== value) onchange?.(quantity);
    value = sound ? quantity : value;
    field.value = value;
    minus.disabled = value <= min;
  };
  field.addEventListener('change', () => take(Number(field.value)));
  const step = (by) => () => take(Number(field.value) + by);
  const minus = h(
    'button',
    { type: 'button', 'aria-label': t('quantity.less', { name: label }), onclick: step(-1) },
    icon('minus'),
  );
  const plus = h(
    'button',
    { type: 'button', 'aria-label': t('quantity.more', { name: label }), onclick: step(1) },
    icon('plus'),
  );
  minus.disabled = value <= min;
  return h('div', { class: 'quantity', role: 'group', 'aria-label': label }, minus, field, plus);
}

/** Grey shapes while the real ones are on their way. */
export function skeleton(kind, count = 1) {
  const shape = () => h('div', { class: `bones ${kind}` }, h('i'), h('i'), h('i'));
  return h(
    'div',
    { class: `skeleton ${kind}s`, role: 'status', 'aria-label': t('loading') },
    Array.from({ length: count }, shape),
  );
}

/** A button that works once until its work is done: a double click is one click. */
export function workButton(label, work, attributes = {}) {
  const button = h('button', { type: 'button', ...attributes, class: `button ${attributes.class ?? ''}` }, label);
  button.addEventListener('click', () => busy(button, work));
  return button;
}

/** Runs `work` unless this button is at work already. */
export async function busy(button, work) {
  if (button.getAttribute('aria-busy') === 'true') return;
  button.setAttribute('aria-busy', 'true');
  try {
    await work();
  } finally {
    button.removeAttribute('aria-busy');
  }
}

/** A sentence at the edge, for some seconds; screen readers speak it. */
export function toast(...children) {
  const box = h('div', { class: 'toast' }, ...children);
  put(document.getElementById('toasts'), box);
  setTimeout(() => box.remove(), 6000);
}
