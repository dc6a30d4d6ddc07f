/** payment.js - the payment methods: what the simulated provider is to do, for there is no other provider. */

import { h, newId } from './dom.js';
import { t } from './i18n.js';

const METHODS = ['pm_approve', 'pm_slow', 'pm_twice', 'pm_decline', 'pm_decline_hard', 'pm_never'];

/** Radio buttons; `chosen()` is the token. */
export function paymentChoice() {
  const name = newId('method');
  const options = METHODS.map((token, index) =>
    h('input', { type: 'radio', name, value: token, id: `${name}-${token}`, checked: index === 0 }),
  );
  const node = h(
    'fieldset',
    { class: 'methods' },
    h('legend', {}, t('payment')),
    h('p', { class: 'small' }, t('payment.simulated')),
    options.map((input) =>
      h(
        'label',
        { for: input.id },
        input,
        h('span', {}, t(`payment.${input.value}`), h('span', { class: 'small' }, t(`payment.${input.value}.text`))),
      ),
    ),
  );
  return { node, chosen: () => options.find((input) => input.checked).value };
}
