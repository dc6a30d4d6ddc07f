/**
 * api.js - the one place that speaks HTTP with the shop.
 *
 * - Who asks: the access token of the session, else the guest's cart token.
 * - Read your writes: the consistency token of the last write goes with each request until the next one. That of a
 *   read would not do: it names only the views that were read.
 * - Repetition: a write has one idempotency key for all its tries, so that a lost answer has no second effect.
 * - A 202 is followed to its outcome.
 */

import { Problem, offline, problemOf } from './problems.js';
import { guestToken, recall, remember, session } from './state.js';

const TRY_TIMEOUT_MS = 15000;
const DELAYS_MS = [400, 1200, 3000];
const COMMAND_POLLS = 40;
const AGAIN = new Set([
  'offline',
  'upstream-unavailable',
  'upstream-timeout',
  'overloaded',
  'view-behind',
  'partition-unavailable',
  'outcome-unknown',
  'log-unavailable',
  'shutting-down',
  'not-ready',
]);

/** @typedef {{body?: any, key?: string, wait?: number, signal?: AbortSignal, anonymous?: boolean}} Options */

/** 128 random bits. crypto.randomUUID exists only on https and on localhost. */
export function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('');
}

/** Asked when an access token was refused; true where there is a new one. @type {() => boolean|Promise<boolean>} */
let renew = () => false;

export function whenRefused(handle) {
  renew = handle;
}

export const get = (path, options) => ask('GET', path, options);
export const post = (path, body, options) => ask('POST', path, { ...options, body });
export const put = (path, body, options) => ask('PUT', path, { ...options, body });
export const remove = (path, options) => ask('DELETE', path, options);

/**
 * One request with its repetitions. Throws a Problem where it is refused or no answer comes.
 * @param {string} method @param {string} path @param {Options} [options]
 * @returns {Promise<any>} the answer's JSON, null where it has none
 */
export async function ask(method, path, options = {}) {
  const key = method === 'GET' ? null : (options.key ?? newKey());
  let unsure = false;
  for (let tried = 0; ; tried++) {
    try {
      return await askOnce(method, path, { ...options, key });
    } catch (error) {
      if (!(error instanceof Problem)) throw error;
      unsure ||= error.unsure;
      if (!AGAIN.has(error.slug) || tried === DELAYS_MS.length) {
        error.followsUnsure = unsure;
        throw error;
      }
      await pause(Math.min((error.retryAfter ?? 0) * 1000, 5000) || DELAYS_MS[tried], options.signal);
    }
  }
}

async function askOnce(method, path, options) {
  const response = await send(method, path, options);
  keepToken(method, path, response);
  if (response.status === 202) return followCommand(response, options);
  if (response.ok) return response.status === 204 ? null : readJson(response, options);
  const problem = await problemOf(response);
  if (forgetToken(problem)) return askOnce(method, path, options);
  if (!options.renewed && !options.anonymous && (await isRenewed(problem))) {
    return askOnce(method, path, { ...options, renewed: true });
  }
  throw problem;
}

/** An answer that breaks off is as good as none. */
async function readJson(response, options) {
  try {
    return await response.json();
  } catch {
    options.signal?.throwIfAborted();
    throw offline();
  }
}

/** Whether there is a new access token after the old one was refused. */
async function isRenewed(problem) {
  return ['token-expired', 'token-invalid'].includes(problem.slug) && session.access !== null && (await renew());
}

async function send(method, path, options) {
  const timeout = AbortSignal.timeout(TRY_TIMEOUT_MS);
  const signal = options.signal ? AbortSignal.any([options.signal, timeout]) : timeout;
  const body = options.body === undefined ? undefined : JSON.stringify(options.body);
  try {
    return await fetch(path, { method, headers: headersFor(options), body, signal });
  } catch (error) {
    options.signal?.throwIfAborted();
    throw offline();
  }
}

function headersFor(options) {
  const headers = new Headers({ Accept: 'application/json' });
  if (options.body !== undefined) headers.set('Content-Type', 'application/json');
  if (options.key) headers.set('Idempotency-Key', options.key);
  if (options.wait) headers.set('Prefer', `wait=${options.wait}`);
  if (options.anonymous) return headers;
  if (recall('token')) headers.set('Consistency-Token', recall('token'));
  if (session.access) headers.set('Authorization', `Bearer ${session.access}`);
  else if (guestToken()) headers.set('Cart-Token', guestToken());
  return headers;
}

function keepToken(method, path, response) {
  const token = response.headers.get('Consistency-Token');
  if (token && (method !== 'GET' || path.startsWith('/v1/commands/'))) remember('token', token);
}

/** True: the token was of a shop that was made anew since, and is gone now. */
function forgetToken(problem) {
  const ours = problem.slug === 'malformed-header' && recall('token');
  if (ours) remember('token', null);
  return Boolean(ours);
}

/**
 * The answer to a request whose body goes on and on; not cut off by a timeout.
 * @param {string|null} lastEventId of an earlier stream
 */
export async function openStream(path, lastEventId, signal, renewed = false) {
  const headers = headersFor({});
  headers.set('Accept', 'text/event-stream');
  if (lastEventId) headers.set('Last-Event-ID', lastEventId);
  let response;
  try {
    response = await fetch(path, { headers, signal, cache: 'no-store' });
  } catch {
    signal.throwIfAborted();
    throw offline();
  }
  if (response.ok) return response;
  const problem = await problemOf(response);
  if (forgetToken(problem)) return openStream(path, lastEventId, signal, renewed);
  if (!renewed && (await isRenewed(problem))) return openStream(path, lastEventId, signal, true);
  throw problem;
}

/** The outcome of a command that is in the log, but was not decided in time. */
async function followCommand(response, options) {
  const accepted = await readJson(response, options);
  const place = response.headers.get('Location');
  if (!place?.startsWith('/v1/commands/')) return accepted;
  for (let polled = 0; polled < COMMAND_POLLS; polled++) {
    await pause(500, options.signal);
    const command = await get(place, { signal: options.signal });
    if (command.status === 'rejected') throw new Problem(command.problem ?? {});
    if (command.status === 'accepted') return command.order ?? command.cart ?? command;
  }
  throw new Problem({ type: 'outcome-unknown', title: 'No outcome yet' });
}

/** Waits; throws when the page is left. */
export function pause(milliseconds, signal) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, milliseconds);
    signal?.addEventListener(
      'abort',
      () => {
        clearTimeout(timer);
        reject(signal.reason);
      },
      { once: true },
    );
  });
}
