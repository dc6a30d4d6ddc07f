/** cart.js - the cart: quantities, what has changed since, the sum. */

import { hasCart, readCart, setQuantity } from '../cart.js';
import { h, put } from '../dom.js';
import { formatMoney, formatNumber, formatTitle } from '../format.js';
import { t } from '../i18n.js';
import { emptyNotice, errorNotice, quantityField, skeleton, warning, workButton } from '../parts.js';
import { picture } from '../picture.js';
import { setTitle } from '../router.js';
import { CART, listen } from '../state.js';

export async function show(place, { signal }) {
  setTitle(t('cart'));
  const body = h('div', {}, skeleton('line', 3));
  put(place, h('h1', {}, t('cart')), body);

  const draw = async () => {
    const cart = hasCart() ? await readCart(signal) : { lines: [] };
    if (!signal.aborted) put(body, cart.lines.length ? content(cart, act) : nothing());
  };
  /** Runs a change, then shows what the shop has; a refusal stands above it. */
  const act = async (work) => {
    let refusal = null;
    try {
      await work();
    } catch (error) {
      refusal = error;
    }
    await draw();
    if (refusal && !signal.aborted) body.prepend(errorNotice(refusal));
  };
  listen(CART, () => draw().catch(() => {}), signal); // Another tab; what stands here stays until the next one.
  await draw();
}

function nothing() {
  return emptyNotice(t('cart.empty'), t('cart.empty.text'), h('a', { href: '/', class: 'button' }, t('shop')));
}

function content(cart, act) {
  const warnings = new Map((cart.warnings ?? []).map((one) => [one.product_id, one.code]));
  return h(
    'div',
    { class: 'cart' },
    h(
      'ul',
      { class: 'lines' },
      cart.lines.map((line) => lineItem(line, warnings.get(line.product_id), act)),
    ),
    h(
      'section',
      { class: 'panel summary', 'aria-label': t('cart.summary') },
      h(
        'dl',
        {},
        h('dt', {}, t('cart.units')),
        h('dd', {}, formatNumber(cart.totals.units)),
        h('dt', { class: 'sum' }, t('cart.total')),
        h('dd', { class: 'sum', id: 'total' }, formatMoney(cart.totals.items)),
      ),
      h('a', { href: '/checkout', class: 'button wide' }, t('checkout.go')),
      h('p', { class: 'small' }, t('cart.note')),
    ),
  );
}

function lineItem(line, code, act) {
  const name = formatTitle(line.title);
  const set = (quantity) => act(() => setQuantity(line.product_id, quantity));
  return h(
    'li',
    { class: 'line', id: `line-${line.product_id}` },
    h(
      'a',
      { href: `/products/${line.product_id}`, class: 'thumb', tabindex: -1, 'aria-hidden': 'true' },
      picture(line),
    ),
    h(
      'div',
      { class: 'about' },
      h('a', { href: `/products/${line.product_id}`, class: 'name' }, name),
      h('p', { class: 'small' }, t('cart.each', { price: formatMoney(line.quoted_unit_price) })),
      lineWarning(line, code, set),
    ),
    quantityField({ value: line.quantity, label: t('quantity.of', { name }), onchange: set }),
    h('p', { class: 'line-total' }, formatMoney(line.line_total)),
    workButton(t('cart.remove'), () => set(0), { class: 'link', 'aria-label': t('cart.remove.of', { name }) }),
  );
}

/** What is not as it was when the line was put in. */
function lineWarning(line, code, set) {
  if (code === 'price_changed') {
    const prices = { old: formatMoney(line.quoted_unit_price), now: formatMoney(line.current_unit_price) };
    return h(
      'div',
      {},
      warning(t('cart.price_changed', prices)),
      workButton(t('cart.accept', prices), () => set(line.quantity), { class: 'link' }),
    );
  }
  if (code === 'not_enough_stock') return warning(line.availability === 'out' ? t('cart.out') : t('cart.not_enough'));
  if (code === 'unavailable') return warning(t('cart.unavailable'));
  return null;
}
