/** register.js - a new account. */

import { newKey } from '../api.js';
import { h, put } from '../dom.js';
import { field, form } from '../forms.js';
import { t } from '../i18n.js';
import { go, nextPath, setTitle } from '../router.js';
import { register } from '../session.js';

export function show(place, { query }) {
  setTitle(t('register'));
  const fields = [
    field({ name: 'name', label: t('name'), autocomplete: 'name', required: false, wide: true }),
    field({ name: 'email', label: t('email'), type: 'email', autocomplete: 'username', maxlength: 254, wide: true }),
    field({
      name: 'password',
      label: t('password'),
      type: 'password',
      autocomplete: 'new-password',
      minlength: 8,
      maxlength: 1024,
      hint: t('password.hint'),
      wide: true,
    }),
  ];
  let wish = { body: null, key: null }; // The same person again is the same registration.
  const work = async ({ name, email }) => {
    const person = { name, email, password: fields[2].input.value };
    const body = JSON.stringify(person);
    if (wish.body !== body) wish = { body, key: newKey() };
    await register(person, wish.key);
    await go(nextPath(query), { replace: true });
  };
  put(
    place,
    h(
      'div',
      { class: 'narrow' },
      h('h1', {}, t('register')),
      h('div', { class: 'panel' }, form({ fields, submit: t('register.do'), work })),
      h('p', { class: 'aside' }, t('register.known'), ' ', h('a', { href: `/login${location.search}` }, t('login'))),
    ),
  );
}
