/** orders.js - the orders of whoever is here, newest first. */

import { get } from '../api.js';
import { hasCart } from '../cart.js';
import { add, h, put } from '../dom.js';
import { formatMoney, formatTime } from '../format.js';
import { hasText, t } from '../i18n.js';
import { emptyNotice, errorNotice, skeleton, workButton } from '../parts.js';
import { setTitle } from '../router.js';
import { isLoggedIn } from '../session.js';

export async function show(place, { signal }) {
  setTitle(t('orders'));
  const list = h('ul', { class: 'orders' });
  const more = h('div', { class: 'more' });
  const bones = skeleton('line', 3);
  put(
    place,
    h('h1', {}, t('orders')),
    !isLoggedIn() &&
      h('p', { class: 'small' }, t('orders.guest'), ' ', h('a', { href: '/login?next=/orders' }, t('login'))),
    bones,
    list,
    more,
  );
  let next = '/v1/orders?limit=20';
  const load = async () => {
    try {
      const page = hasCart() ? await get(next, { signal }) : { items: [] };
      next = page.page?.next ?? null;
      add(list, page.items.map(item));
      put(more, next && workButton(t('listing.more'), load));
    } catch (error) {
      if (!signal.aborted) put(more, errorNotice(error, load));
    }
  };
  await load();
  bones.remove();
  if (!list.children.length && !more.children.length) {
    put(more, emptyNotice(t('orders.none'), null, h('a', { href: '/', class: 'button' }, t('shop'))));
  }
}

function item(order) {
  const status = `status.${order.status}`;
  return h(
    'li',
    {},
    h(
      'a',
      { href: `/orders/${order.order_id}`, class: 'panel' },
      h('span', { class: 'name' }, order.confirmation_no ?? order.order_id),
      h('span', {}, hasText(status) ? t(status) : order.status),
      h('span', { class: 'small' }, order.placed_at ? formatTime(order.placed_at) : ''),
      h('span', { class: 'price' }, order.totals ? formatMoney(order.totals.grand) : ''),
    ),
  );
}
