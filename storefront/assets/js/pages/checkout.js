/** checkout.js - from the cart to an order: address, payment, and the guard against a sum that was not seen. */

import { hasCart, readCart } from '../cart.js';
import { h, put } from '../dom.js';
import { field, form } from '../forms.js';
import { formatMoney, formatTitle } from '../format.js';
import { t } from '../i18n.js';
import { emptyNotice, errorNotice, skeleton, warning } from '../parts.js';
import { placeOrder } from '../orders.js';
import { paymentChoice } from '../payment.js';
import { Problem } from '../problems.js';
import { go, setTitle } from '../router.js';
import { isLoggedIn } from '../session.js';
import { CART, SESSION, changes, listen, session } from '../state.js';

/** What was typed, for who goes back to the cart and comes again. Only in memory. @type {Map<string, string>} */
const draft = new Map();

/** The next customer at this browser does not see the address of the last. */
changes.addEventListener(SESSION, () => {
  if (!session.access) draft.clear();
});

export async function show(place, { signal }) {
  setTitle(t('checkout'));
  const body = h('div', {}, skeleton('line', 3));
  put(place, h('h1', {}, t('checkout')), body);
  const cart = hasCart() ? await readCart(signal) : { lines: [] };
  signal.throwIfAborted();
  if (cart.lines.length === 0) {
    put(
      body,
      emptyNotice(
        t('checkout.empty'),
        t('checkout.empty.text'),
        h('a', { href: '/orders', class: 'button' }, t('orders')),
        h('a', { href: '/', class: 'button quiet' }, t('shop')),
      ),
    );
    return;
  }
  const changed = h('div', {});
  listen(
    CART,
    () =>
      put(
        changed,
        h('div', { class: 'notice warn' }, warning(t('checkout.changed')), h('a', { href: '/cart' }, t('cart.open'))),
      ),
    signal,
  );
  put(body, changed, h('div', { class: 'cart' }, checkoutForm(cart), summary(cart)));
}

function addressFields() {
  const wishes = [
    {
      name: 'contact/email',
      label: t('email'),
      type: 'email',
      autocomplete: 'email',
      maxlength: 254,
      wide: true,
      value: session.email ?? '',
    },
    { name: 'shipping_address/name', label: t('name'), autocomplete: 'name', wide: true },
    { name: 'shipping_address/street', label: t('address.street'), autocomplete: 'street-address', wide: true },
    {
      name: 'shipping_address/postal_code',
      label: t('address.postal_code'),
      autocomplete: 'postal-code',
      maxlength: 16,
    },
    { name: 'shipping_address/city', label: t('address.city'), autocomplete: 'address-level2' },
    { name: 'shipping_address/country', label: t('address.country'), autocomplete: 'country-name', wide: true },
  ];
  return wishes.map((wish) => {
    const made = field({ ...wish, value: draft.get(wish.name) ?? wish.value ?? '' });
    made.input.addEventListener('input', () => draft.set(wish.name, made.input.value));
    return made;
  });
}

function checkoutForm(cart) {
  const fields = addressFields();
  const payment = paymentChoice();
  const work = async (values) => {
    const order = await placeOrder(cart, { ...nested(values), payment: { method_token: payment.chosen() } });
    await go(`/orders/${order.order_id}`, { replace: true }); // The back button leads to the cart, not to a second order.
  };
  const content = h(
    'div',
    { class: 'stack' },
    !isLoggedIn() &&
      h('p', { class: 'small' }, t('checkout.guest'), ' ', h('a', { href: '/login?next=/checkout' }, t('login'))),
    h(
      'fieldset',
      { class: 'panel' },
      h('legend', {}, t('address')),
      h(
        'div',
        { class: 'fields' },
        fields.map(({ node }) => node),
      ),
    ),
    h('div', { class: 'panel' }, payment.node),
  );
  return form({
    fields,
    content,
    work,
    explain,
    submit: t('checkout.place', { total: formatMoney(cart.totals.items) }),
  });
}

/** "a/b" becomes {a: {b}}. */
function nested(values) {
  const body = {};
  for (const [name, value] of Object.entries(values)) {
    const [outer, inner] = name.split('/');
    body[outer] = { ...body[outer], [inner]: value };
  }
  return body;
}

/** What is against the cart leads back to the cart, where it can be mended. */
function explain(error) {
  const cartIsOld =
    error instanceof Problem &&
    ['price-changed', 'precondition-failed', 'cart-empty', 'out-of-stock'].includes(error.slug);
  const box = errorNotice(error);
  if (cartIsOld) box.append(h('a', { href: '/cart', class: 'button quiet' }, t('cart.open')));
  return box;
}

function summary(cart) {
  return h(
    'section',
    { class: 'panel summary', 'aria-label': t('cart.summary') },
    h(
      'ul',
      { class: 'brief' },
      cart.lines.map((line) =>
        h(
          'li',
          {},
          h('span', {}, `${line.quantity} × ${formatTitle(line.title)}`),
          h('span', {}, formatMoney(line.line_total)),
        ),
      ),
    ),
    (cart.warnings ?? []).length > 0 && warning(t('checkout.warnings'), ' ', h('a', { href: '/cart' }, t('cart.open'))),
    h(
      'dl',
      {},
      h('dt', { class: 'sum' }, t('cart.total')),
      h('dd', { class: 'sum', id: 'total' }, formatMoney(cart.totals.items)),
    ),
    h('p', { class: 'small' }, t('cart.note')),
  );
}
