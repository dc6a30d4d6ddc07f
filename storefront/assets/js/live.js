/**
 * live.js - an order as it changes: the shop's stream of events, read by fetch, for EventSource sends no header fields.
 *
 * The first event is the order as it is, so nothing is missed between a read and the stream. A stream that breaks or
 * ends before the order does is opened again, from the last event on.
 */

import { openStream, pause } from './api.js';
import { Problem } from './problems.js';

const AGAIN_MS = 1500;
const FAILURES_MAX = 5;

/**
 * Calls `show` with the order, now and after each change, until it has come to its end or the page is left.
 * `interrupted` is called with true while there is no connection, and with false when there is one again.
 */
export async function followOrder(orderId, show, interrupted, signal) {
  const state = { last: null, ended: false, failures: 0 };
  while (!state.ended) {
    try {
      await readStream(`/v1/orders/${orderId}/stream`, state, show, interrupted, signal);
    } catch (error) {
      signal.throwIfAborted();
      state.failures++;
      const final =
        error instanceof Problem && error.status < 500 && !error.unsure && error.status !== 429;
      if (final || (state.last === null && state.failures > FAILURES_MAX)) throw error;
      interrupted(state.last !== null);
    }
    if (!state.ended) await pause(AGAIN_MS, signal);
  }
}

async function readStream(path, state, show, interrupted, signal) {
  const response = await openStream(path, state.last, signal);
  if (response.status === 204) {
    state.ended = true;
    return;
  }
  for await (const event of eventsOf(response.body)) {
    interrupted(false);
    state.failures = 0;
    if (event.id) state.last = event.id;
    if (event.name === 'end') state.ended = JSON.parse(event.data).reason === 'final';
    else show(JSON.parse(event.data));
  }
}

/**
 * The events of a body in the format of Server-Sent Events, as far as our shop uses it.
 * @param {ReadableStream<Uint8Array>} body
 * @returns {AsyncGenerator<{name: string, id: string, data: string}>}
 */
export async function* eventsOf(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = '';
  try {
    for (;;) {
      const { value, done } = await reader.read();
      if (done) return;
      const parts = (text + value).split('\n\n');
      text = parts.pop();
      for (const part of parts) {
        const event = parseEvent(part);
        if (event.data) yield event;
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

/** Comments (":hb") and the time to wait have no data. */
function parseEvent(part) {
  const event = { name: 'message', id: '', data: '' };
  for (const line of part.split('\n')) {
    const [, field, value] = /^(event|id|data): ?(.*)$/.exec(line) ?? [];
    if (field === 'event') event.name = value;
    else if (field) event[field] += value;
  }
  return event;
}
