/** cart.js - the cart of whoever is here: a guest's cart is made with the first thing that goes in. */

import { get, newKey, post, put, remove } from './api.js';
import { cartChanged, guestToken, recall, remember, rememberUnits, session } from './state.js';

/** @typedef {{product_id: string, sku: string, title: string, quantity: number, price_changed?: boolean}} Line */

/** Whether anybody has a cart here; without one there is nothing to ask for. */
export function hasCart() {
  return Boolean(session.access ?? guestToken());
}

export async function readCart(signal) {
  const cart = await get('/v1/cart', { signal });
  rememberUnits(unitsOf(cart));
  return cart;
}

/** @param {string} productId @param {number} quantity @param {string} key of this one wish, for all its tries */
export async function addToCart(productId, quantity, key) {
  if (!hasCart()) await beginGuestCart();
  return changed(await post('/v1/cart/items', { product_id: productId, quantity }, { key }));
}

/** A customer whose session could not be renewed just now gets these goods into the own cart with the next renewal. */
async function beginGuestCart() {
  remember('guest', (await post('/v1/guest-carts', undefined, { anonymous: true })).cart_token);
  if (recall('logged-in')) remember('merge', newKey());
}

/** 0 takes it out. The same quantity again accepts the price of now. */
export async function setQuantity(productId, quantity) {
  const path = `/v1/cart/items/${productId}`;
  return changed(await (quantity > 0 ? put(path, { quantity }) : remove(path)));
}

/** After a login: what the guest's cart has moves into the customer's, at once and only once. */
export async function mergeGuestCart(key) {
  if (guestToken()) changed(await post('/v1/cart/merge', { cart_token: guestToken() }, { key, wait: 5 }));
  else cartChanged(null);
}

function changed(cart) {
  cartChanged(unitsOf(cart));
  return cart;
}

function unitsOf(cart) {
  return cart.totals?.units ?? cart.lines?.reduce((sum, line) => sum + line.quantity, 0) ?? null;
}
