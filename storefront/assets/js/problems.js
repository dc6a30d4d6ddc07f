/** problems.js - problem documents (RFC 9457) and lost connections as one kind of error, with a sentence for people. */

import { hasText, t } from './i18n.js';

/** @typedef {{pointer: string, detail: string, code: string}} FieldError */

/** An answer that is not a success, or none at all (`slug` "offline"). */
export class Problem extends Error {
  /** @param {{type?: string, title?: string, status?: number, detail?: string, errors?: FieldError[]}} body */
  constructor(body, retryAfter = null) {
    super(body.detail ?? body.title ?? 'no answer');
    this.body = body;
    this.status = body.status ?? 0;
    this.slug = (body.type ?? '').split('/').pop() || 'internal';
    this.retryAfter = retryAfter;
    this.followsUnsure = false; // An earlier try of the same request was unsure.
  }

  /** Mistakes by field: the name is the pointer's, without its first stroke. */
  get fields() {
    return new Map((this.body.errors ?? []).map((error) => [error.pointer.slice(1), error]));
  }

  /** Nobody knows whether it had its effect: the same request with the same key finds out. */
  get unsure() {
    if (this.followsUnsure && (this.status >= 500 || [401, 429].includes(this.status))) return true;
    return ['offline', 'outcome-unknown', 'upstream-unavailable', 'upstream-timeout'].includes(this.slug);
  }
}

export function offline() {
  return new Problem({ type: 'offline', title: 'No connection' });
}

/** @param {Response} response */
export async function problemOf(response) {
  const seconds = Number(response.headers.get('Retry-After')) || null;
  let body = {};
  try {
    body = await response.json();
  } catch {
    // A proxy's page, say: its status says enough.
  }
  return new Problem({ status: response.status, ...body }, seconds);
}

/** The sentence for a person: ours for this kind of problem, else the server's. */
export function sentenceOf(error) {
  if (!(error instanceof Problem)) return t('problem.internal');
  const key = `problem.${error.slug}`;
  if (hasText(key)) return t(key, { ...error.body, seconds: error.retryAfter ?? 1 });
  if (error.status >= 500) return t('problem.internal');
  return error.body.detail ?? error.body.title ?? t('problem.internal');
}

/** The sentence for one field of a form. */
export function fieldSentenceOf(error) {
  const key = `field.${error.code}`;
  return hasText(key) ? t(key) : error.detail;
}
