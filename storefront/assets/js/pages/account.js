/** account.js - who is logged in, and the way out. */

import { h, put } from '../dom.js';
import { t } from '../i18n.js';
import { workButton } from '../parts.js';
import { go, setTitle } from '../router.js';
import { isLoggedIn, logOut } from '../session.js';
import { session } from '../state.js';

export function show(place) {
  if (!isLoggedIn()) return go('/login?next=/account', { replace: true });
  setTitle(t('account'));
  const leave = async () => {
    await logOut();
    await go('/');
  };
  put(
    place,
    h(
      'div',
      { class: 'narrow' },
      h('h1', {}, t('account')),
      h(
        'div',
        { class: 'panel stack' },
        session.email && h('p', {}, t('account.as', { email: session.email })),
        h('p', {}, h('a', { href: '/orders' }, t('orders'))),
        workButton(t('logout'), leave, { class: 'quiet' }),
      ),
    ),
  );
  return null;
}
