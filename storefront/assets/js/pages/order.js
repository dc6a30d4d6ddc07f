/** order.js - one order, live: where it is, what can be done, and its confirmation. */

import { newKey } from '../api.js';
import { h, put } from '../dom.js';
import { formatMoney, formatTime, formatTitle } from '../format.js';
import { hasText, t } from '../i18n.js';
import { followOrder } from '../live.js';
import { cancelOrder, payOrder, readConfirmation } from '../orders.js';
import { errorNotice, icon, skeleton, warning, workButton } from '../parts.js';
import { paymentChoice } from '../payment.js';
import { Problem } from '../problems.js';
import { setTitle } from '../router.js';

const STEPS = ['placed', 'stock', 'payment', 'confirmed'];
/** How many steps are done at a status. */
const DONE = { PENDING_STOCK: 1, PENDING_PAYMENT: 2, CONFIRMING: 3, CONFIRMED: 4 };

export async function show(place, { id, signal }) {
  setTitle(t('order'));
  const head = h('div', { class: 'order-head', role: 'status' });
  const actions = h('div', {});
  const content = h('div', {}, skeleton('line', 3));
  const lost = h('div', { role: 'status' });
  put(place, h('h1', {}, t('order')), h('p', { class: 'small' }, id), lost, head, actions, content);
  const draw = (order) => {
    put(head, state(order));
    put(actions, order.status === 'CONFIRMED' ? confirmation(order, signal) : act(order, signal));
    put(content, lines(order));
  };
  const interrupted = (is) => put(lost, is && warning(t('order.interrupted')));
  await followOrder(id, draw, interrupted, signal);
}

function state(order) {
  const known = `order.${order.status}`;
  const sentence = waitsForPayment(order) ? t('order.declined') : hasText(known) ? t(known) : order.status;
  if (!(order.status in DONE)) return ending(order, sentence);
  const done = DONE[order.status];
  return [
    h('h2', {}, sentence),
    h(
      'ol',
      { class: 'steps' },
      STEPS.map((step, index) =>
        h(
          'li',
          {
            class: index < done ? 'done' : index > done ? '' : waitsForPayment(order) ? 'open' : 'now',
            'aria-current': index === done ? 'step' : null,
          },
          h('span', { class: 'dot' }, index < done ? icon('check') : null),
          t(`step.${step}`),
        ),
      ),
    ),
  ];
}

/** An order that ends without a purchase: why, and how to go on. */
function ending(order, sentence) {
  const cause = `cause.${order.cause}`;
  const reopened = ['out_of_stock', 'price_changed'].includes(order.cause);
  return h(
    'div',
    { class: 'notice warn' },
    icon('alert'),
    h(
      'div',
      {},
      h('h2', {}, sentence),
      hasText(cause) && h('p', {}, t(cause)),
      (order.short_lines ?? []).map((line) =>
        h(
          'p',
          {},
          t('order.short', {
            name: formatTitle(order.lines?.find((one) => one.line_no === line.line_no)?.title ?? ''),
            ...line,
          }),
        ),
      ),
      order.refund && h('p', {}, t('order.refund', { amount: formatMoney(order.refund) })),
      reopened && h('a', { href: '/cart', class: 'button' }, t('cart.open')),
    ),
  );
}

/** Stock is held, and the last attempt to pay was declined. */
function waitsForPayment(order) {
  return (
    order.status === 'PENDING_PAYMENT' &&
    order.allowed_actions?.includes('pay') &&
    order.payments?.at(-1)?.status === 'declined'
  );
}

function act(order, signal) {
  const allowed = order.allowed_actions ?? [];
  const message = h('div', {});
  const attempt = (work) => async () => {
    put(message);
    try {
      await work();
    } catch (error) {
      if (!signal.aborted) put(message, errorNotice(error));
    }
  };
  const underWay = order.payments?.at(-1)?.status === 'started';
  return h(
    'div',
    { class: 'stack' },
    allowed.includes('pay') && !underWay && payAgain(order, attempt),
    message,
    allowed.includes('cancel') &&
      workButton(
        t('order.cancel'),
        attempt(once(`cancel ${order.order_id}`, (key) => cancelOrder(order.order_id, key))),
        { class: 'quiet' },
      ),
  );
}

function payAgain(order, attempt) {
  const choice = paymentChoice();
  const pay = () =>
    once(`pay ${order.order_id} ${order.payments?.length ?? 0} ${choice.chosen()}`, (key) =>
      payOrder(order.order_id, choice.chosen(), key),
    )();
  return h(
    'div',
    { class: 'panel stack' },
    choice.node,
    order.pay_deadline && h('p', { class: 'small' }, t('order.deadline', { time: formatTime(order.pay_deadline) })),
    workButton(t('order.pay', { total: formatMoney(order.totals.grand) }), attempt(pay)),
  );
}

/** Keys of what is under way: the same wish again has the same key until an answer has come. @type {Map<string, string>} */
const keys = new Map();

function once(wish, work) {
  return async () => {
    if (!keys.has(wish)) keys.set(wish, newKey());
    try {
      await work(keys.get(wish));
      keys.delete(wish);
    } catch (error) {
      if (!(error instanceof Problem && error.unsure)) keys.delete(wish);
      throw error;
    }
  };
}

function confirmation(order, signal) {
  const box = h('section', { class: 'panel proof', 'aria-label': t('confirmation') }, skeleton('line'));
  const fill = async () => {
    try {
      const proof = await readConfirmation(order.order_id, signal);
      put(box, facts(proof), download(proof, signal));
    } catch (error) {
      if (!signal.aborted) put(box, errorNotice(error, fill));
    }
  };
  fill();
  return box;
}

function facts(proof) {
  const pair = (name, value) => value && [h('dt', {}, t(name)), h('dd', {}, value)];
  return h(
    'dl',
    { class: 'facts-list' },
    pair('confirmation.no', proof.confirmation_no),
    pair('confirmation.time', formatTime(proof.issued_at)),
    pair('confirmation.paid', proof.captured && formatMoney(proof.captured)),
    pair('confirmation.reference', proof.payment_reference),
  );
}

/** The shop's own document, as it was sent. */
function download(proof, signal) {
  const file = new Blob([JSON.stringify(proof, null, 2)], { type: 'application/json' });
  const href = URL.createObjectURL(file);
  signal.addEventListener('abort', () => URL.revokeObjectURL(href), { once: true });
  return h('a', { href, download: `${proof.confirmation_no}.json`, class: 'button quiet' }, t('confirmation.download'));
}

function lines(order) {
  const sum = (name, money, strong) =>
    money && [
      h('dt', { class: strong ? 'sum' : '' }, t(name)),
      h('dd', { class: strong ? 'sum' : '' }, formatMoney(money)),
    ];
  return h(
    'section',
    { class: 'panel summary order-lines', 'aria-label': t('order.lines') },
    h(
      'ul',
      { class: 'brief' },
      (order.lines ?? []).map((line) =>
        h(
          'li',
          {},
          h('a', { href: `/products/${line.product_id}` }, `${line.quantity} × ${formatTitle(line.title)}`),
          h('span', {}, formatMoney(line.line_total)),
        ),
      ),
    ),
    order.totals &&
      h(
        'dl',
        {},
        sum('cart.items', order.totals.items),
        sum('cart.shipping', order.totals.shipping),
        sum('cart.total', order.totals.grand, true),
      ),
    order.placed_at && h('p', { class: 'small' }, t('order.placed', { time: formatTime(order.placed_at) })),
  );
}
