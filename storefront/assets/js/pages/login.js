/** login.js - the password for a session. */

import { h, put } from '../dom.js';
import { field, form } from '../forms.js';
import { t } from '../i18n.js';
import { go, nextPath, setTitle } from '../router.js';
import { logIn } from '../session.js';

export function show(place, { query }) {
  setTitle(t('login'));
  const fields = [
    field({ name: 'email', label: t('email'), type: 'email', autocomplete: 'username', maxlength: 254, wide: true }),
    field({
      name: 'password',
      label: t('password'),
      type: 'password',
      autocomplete: 'current-password',
      maxlength: 1024,
      wide: true,
    }),
  ];
  const work = async ({ email }) => {
    await logIn(email, fields[1].input.value);
    await go(nextPath(query), { replace: true });
  };
  const next = query.get('next');
  put(
    place,
    h(
      'div',
      { class: 'narrow' },
      h('h1', {}, t('login')),
      h('div', { class: 'panel' }, form({ fields, submit: t('login'), work })),
      h(
        'p',
        { class: 'aside' },
        t('login.new'),
        ' ',
        h('a', { href: next ? `/register?next=${encodeURIComponent(next)}` : '/register' }, t('register')),
      ),
    ),
  );
}
