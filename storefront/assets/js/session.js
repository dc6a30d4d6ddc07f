/**
 * session.js - who is logged in: registration, login, renewal, logout.
 *
 * The access token is in the memory of this tab. The refresh token is in a cookie that no script can read and that is
 * sent to /v1/sessions only; with it a reloaded page or another tab gets an access token of its own.
 */

import { get, newKey, post, put, remove, whenRefused } from './api.js';
import { mergeGuestCart } from './cart.js';
import { currentLanguage } from './i18n.js';
import { Problem } from './problems.js';
import { SESSION, announce, cartChanged, recall, remember, rememberUnits, session } from './state.js';

const IN_COOKIE = { refresh: 'cookie' };

export const isLoggedIn = () => Boolean(session.access);

/** @param {{email: string, password: string, name?: string}} person @param {string} key of this one registration */
export async function register(person, key) {
  const { email, password, name } = person;
  const body = { email, password, locale: currentLanguage(), ...(name ? { name } : {}) };
  await post('/v1/users', body, { key, anonymous: true });
  return logIn(email, password);
}

export async function logIn(email, password) {
  const answer = await post('/v1/sessions', { email, password, ...IN_COOKIE }, { anonymous: true });
  remember('logged-in', String(Date.now())); // Other tabs hear of it, and this one after a reload.
  remember('merge', newKey());
  rememberUnits(null);
  begin(answer, email);
  await mergeCarts();
}

/** What was not merged for a lost connection is merged by the next page that is loaded. */
async function mergeCarts() {
  if (!recall('merge')) return;
  try {
    await mergeGuestCart(recall('merge'));
    remember('merge', null);
  } catch (error) {
    if (isFinal(error)) remember('merge', null);
    cartChanged(null);
  }
}

/** Asking again would give the same refusal. */
function isFinal(error) {
  return error instanceof Problem && error.status >= 400 && error.status < 500 && ![401, 429].includes(error.status);
}

/** A renewal changes nothing that a page shows. */
function begin(answer, email) {
  const other = session.userId !== answer.user_id;
  Object.assign(session, { access: answer.access_token, userId: answer.user_id, email });
  if (other) announce(SESSION);
}

function end() {
  Object.assign(session, { access: null, userId: null, email: null });
  remember('token', null);
  remember('logged-in', null);
  rememberUnits(null);
  announce(SESSION);
}

/** At the start of a page: goes on with the session of before, if there is one. */
export async function resume() {
  if (!recall('logged-in')) return;
  await renewOnce().catch(() => {}); // Without a connection the page says so itself.
  if (session.access) mergeCarts();
}

/** Ends the session at the shop, then here. */
export async function logOut() {
  try {
    await remove('/v1/sessions/current');
  } catch (error) {
    if (!(error instanceof Problem && error.status === 401)) throw error; // It is over already.
  }
  end();
}

export function readSessions(signal) {
  return get('/v1/sessions', { signal });
}

export function readProfile(signal) {
  return get('/v1/users/me', { signal });
}

/** The user's other sessions end with it. */
export function changePassword(current, wanted, key) {
  return put('/v1/users/me/password', { current, new: wanted }, { key });
}

export function endSession(sessionId) {
  return remove(`/v1/sessions/${sessionId}`);
}

/** @type {Promise<boolean>|null} one renewal for all requests that wait for it */
let renewal = null;

function renewOnce() {
  renewal ??= renewSession().finally(() => {
    renewal = null;
  });
  return renewal;
}

/** True: there is a new access token. False: the session is over. */
async function renewSession() {
  try {
    begin(await post('/v1/sessions/refresh', IN_COOKIE, { anonymous: true }), session.email);
    return true;
  } catch (error) {
    if (!(error instanceof Problem) || error.status !== 401) throw error;
    end();
    return false;
  }
}

whenRefused(renewOnce);

/** After another tab has logged in or out. */
export async function follow() {
  if (recall('logged-in')) await resume();
  else if (session.access) end();
}
