/**
 * orders.js - placing, paying and cancelling an order so that no repetition has a second effect.
 *
 * The key of a checkout is kept until its answer has come: after a lost connection, a reload or in a second tab the same
 * checkout of the same cart is sent with the same key, and gives the same order.
 */

import { get, newKey, post } from './api.js';
import { digest } from './digest.js';
import { Problem } from './problems.js';
import { cartChanged, recall, remember } from './state.js';

const WAIT_S = 8;

/** @param {any} cart as it was shown @param {any} details of the order: address, contact, payment */
export async function placeOrder(cart, details) {
  const { amount_minor, currency, exponent } = cart.totals.items;
  const body = { cart_version: cart.version, expected_total: { amount_minor, currency, exponent }, ...details };
  const wish = JSON.stringify([cart.cart_id, body]);
  const kept = JSON.parse(recall('checkout') ?? '{}');
  const key = kept.wish === digest(wish) ? kept.key : newKey();
  remember('checkout', JSON.stringify({ wish: digest(wish), key }));
  try {
    const order = await post('/v1/orders', body, { key, wait: WAIT_S });
    remember('checkout', null);
    cartChanged(0);
    return order;
  } catch (error) {
    if (error instanceof Problem && !error.unsure) remember('checkout', null);
    throw error;
  }
}

export function payOrder(orderId, token, key) {
  return post(`/v1/orders/${orderId}/payments`, { method_token: token }, { key, wait: WAIT_S });
}

export function cancelOrder(orderId, key) {
  return post(`/v1/orders/${orderId}/cancellation`, {}, { key, wait: WAIT_S });
}

export function readConfirmation(orderId, signal) {
  return get(`/v1/orders/${orderId}/confirmation`, { signal });
}
