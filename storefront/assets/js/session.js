/** session.js - who is logged in: registration, login, logout. The access token is in the memory of this tab only. */

import { post, whenRefused } from './api.js';
import { currentLanguage } from './i18n.js';
import { SESSION, announce, cartChanged, remember, rememberUnits, session } from './state.js';

export const isLoggedIn = () => Boolean(session.access);

/** @param {{email: string, password: string, name?: string}} person @param {string} key of this one registration */
export async function register(person, key) {
  const { email, password, name } = person;
  const body = { email, password, locale: currentLanguage(), ...(name ? { name } : {}) };
  await post('/v1/users', body, { key, anonymous: true });
  return logIn(email, password);
}

export async function logIn(email, password) {
  const answer = await post('/v1/sessions', { email, password }, { anonymous: true });
  begin(answer, email);
}

function begin(answer, email) {
  Object.assign(session, { access: answer.access_token, email });
  remember('token', null); // Positions of another owner are of no use.
  rememberUnits(null);
  announce(SESSION);
  cartChanged(null);
}

export function logOut() {
  Object.assign(session, { access: null, email: null });
  remember('token', null);
  rememberUnits(null);
  announce(SESSION);
}

// A token that is not good any more ends the session here; the page asks for a new login.
whenRefused(() => {
  logOut();
  return false;
});
