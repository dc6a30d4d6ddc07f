/** account.js - who is logged in, on which devices, and the way out. */

import { newKey } from '../api.js';
import { h, put } from '../dom.js';
import { field, form } from '../forms.js';
import { formatTime } from '../format.js';
import { t } from '../i18n.js';
import { errorNotice, icon, skeleton, toast, workButton } from '../parts.js';
import { Problem } from '../problems.js';
import { go, setTitle } from '../router.js';
import { changePassword, endSession, isLoggedIn, logOut, readProfile, readSessions } from '../session.js';

export async function show(place, { signal }) {
  if (!isLoggedIn()) {
    go('/login?next=/account', { replace: true });
    return;
  }
  setTitle(t('account'));
  const message = h('div', {});
  const sessions = h('div', {}, skeleton('line'));
  const attempt = (work) => async () => {
    put(message);
    try {
      await work();
    } catch (error) {
      if (!signal.aborted) put(message, errorNotice(error));
    }
  };
  const who = h('p', {});
  const introduce = async () => put(who, t('account.as', { email: (await readProfile(signal)).email }));
  const leave = async () => {
    await logOut();
    await go('/');
  };
  const list = async () => {
    const { items } = await readSessions(signal);
    const stop = (id) => attempt(() => endSession(id).then(list));
    put(
      sessions,
      items.map((one) => sessionItem(one, stop(one.session_id))),
    );
  };
  put(
    place,
    h(
      'div',
      { class: 'narrow' },
      h('h1', {}, t('account')),
      message,
      h(
        'div',
        { class: 'panel stack' },
        who,
        h('a', { href: '/orders' }, t('orders')),
        workButton(t('logout'), attempt(leave), { class: 'quiet' }),
      ),
      h('section', { class: 'panel' }, h('h2', {}, t('sessions')), sessions),
      h('section', { class: 'panel stack' }, h('h2', {}, t('password.change')), passwordForm(list)),
    ),
  );
  await Promise.all([introduce(), list()]);
}

/** @param {() => Promise<void>} after the password has been changed */
function passwordForm(after) {
  const fields = [
    field({
      name: 'current',
      label: t('password.current'),
      type: 'password',
      autocomplete: 'current-password',
      maxlength: 1024,
      wide: true,
    }),
    field({
      name: 'new',
      label: t('password.new'),
      type: 'password',
      autocomplete: 'new-password',
      minlength: 8,
      maxlength: 1024,
      hint: t('password.hint'),
      wide: true,
    }),
  ];
  const work = async () => {
    try {
      await changePassword(fields[0].input.value, fields[1].input.value, newKey());
    } catch (error) {
      if (!(error instanceof Problem) || error.slug !== 'invalid-credentials') throw error;
      fields[0].complain(t('password.wrong'));
      fields[0].input.focus();
      return;
    }
    for (const { input } of fields) input.value = '';
    toast(icon('check'), t('password.changed'));
    await after();
  };
  return form({ fields, submit: t('password.change'), work });
}

function sessionItem(one, stop) {
  return h(
    'div',
    { class: 'session' },
    h(
      'p',
      {},
      t('session.since', { time: formatTime(one.started_at) }),
      h(
        'span',
        { class: 'small' },
        one.current ? t('session.this') : t('session.used', { time: formatTime(one.renewed_at) }),
      ),
    ),
    !one.current && workButton(t('session.end'), stop, { class: 'link' }),
  );
}
