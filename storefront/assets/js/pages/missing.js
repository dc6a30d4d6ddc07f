/** missing.js - an address that the shop does not have. */

import { h, put } from '../dom.js';
import { t } from '../i18n.js';
import { emptyNotice } from '../parts.js';
import { setTitle } from '../router.js';

export function show(place) {
  setTitle(t('missing.title'));
  put(
    place,
    h('h1', { class: 'unseen' }, t('missing.title')),
    emptyNotice(t('missing.title'), t('missing.text'), h('a', { href: '/', class: 'button' }, t('shop'))),
  );
}
