/** product.js - one product: its price, how many there are, into the cart. */

import { get, newKey } from '../api.js';
import { addToCart } from '../cart.js';
import { h, put } from '../dom.js';
import { formatMoney, formatTitle } from '../format.js';
import { t } from '../i18n.js';
import { emptyNotice, errorNotice, icon, quantityField, skeleton, stockBand, toast, workButton } from '../parts.js';
import { picture } from '../picture.js';
import { Problem } from '../problems.js';
import { setTitle } from '../router.js';

export async function show(place, { id, signal }) {
  put(place, skeleton('product'));
  try {
    const [product, stock] = await Promise.all([
      get(`/v1/products/${id}`, { signal }),
      get(`/v1/products/${id}/availability`, { signal }).catch(() => null), // The page is of use without.
    ]);
    signal.throwIfAborted();
    setTitle(formatTitle(product.title));
    put(place, back(), article(product, stock));
  } catch (error) {
    if (!(error instanceof Problem) || error.slug !== 'not-found') throw error;
    setTitle(t('product.gone'));
    put(
      place,
      h('h1', { class: 'unseen' }, t('product.gone')),
      emptyNotice(t('product.gone'), t('product.gone.text'), h('a', { href: '/', class: 'button' }, t('shop'))),
    );
  }
}

function back() {
  return h('a', { href: '/', class: 'back' }, icon('back'), t('shop'));
}

function article(product, stock) {
  return h(
    'article',
    { class: 'product' },
    h('div', { class: 'frame' }, picture(product)),
    h(
      'div',
      { class: 'facts' },
      h('h1', {}, formatTitle(product.title)),
      h('p', { class: 'price' }, formatMoney(product.price)),
      stock && stockBand(stock),
      product.status === 'discontinued'
        ? h('p', { class: 'hint warn' }, t('product.discontinued'))
        : order(product, stock),
      product.description && h('p', { class: 'description' }, product.description),
      h('dl', { class: 'small' }, h('dt', {}, t('product.sku')), h('dd', {}, product.sku)),
      h('p', { class: 'small' }, t('product.picture')),
    ),
  );
}

/** The quantity and the button. A wish that was not answered is repeated with its key, so it is counted once. */
function order(product, stock) {
  let quantity = 1;
  let wish = null;
  const message = h('div', {});
  const field = quantityField({
    value: 1,
    label: t('quantity'),
    onchange: (wanted) => {
      quantity = wanted;
      wish = null;
    },
  });
  const button = workButton(t('product.add'), async () => {
    wish ??= newKey();
    put(message);
    try {
      await addToCart(product.product_id, quantity, wish);
      wish = null;
      toast(
        icon('check'),
        h('span', {}, t('product.added', { count: quantity, name: formatTitle(product.title) })),
        h('a', { href: '/cart' }, t('cart.open')),
      );
    } catch (error) {
      if (!(error instanceof Problem && error.unsure)) wish = null;
      put(message, errorNotice(error));
    }
  });
  button.disabled = stock?.band === 'out';
  return h('div', { class: 'order' }, h('div', { class: 'order-row' }, field, button), message);
}
