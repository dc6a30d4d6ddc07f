/**
 * forms.js - forms with their mistakes beside the fields: those that the browser finds, and those that the shop finds.
 *
 * A field's name is the pointer of its member in the body, without the first stroke: a problem's pointers find it.
 */

import { h, newId, put } from './dom.js';
import { t } from './i18n.js';
import { busy, errorNotice } from './parts.js';
import { Problem, fieldSentenceOf } from './problems.js';

/**
 * A labelled field.
 * @param {{name: string, label: string, type?: string, autocomplete?: string, required?: boolean, hint?: string,
 *   minlength?: number, maxlength?: number, value?: string, wide?: boolean}} wish
 */
export function field({ name, label, hint, required = true, wide = false, ...attributes }) {
  const id = newId('field');
  const message = h('p', { class: 'mistake', id: `${id}-mistake` });
  const input = h('input', {
    id,
    name,
    required,
    'aria-describedby': `${hint ? `${id}-hint ` : ''}${id}-mistake`,
    maxlength: 200,
    ...attributes,
  });
  const node = h(
    'div',
    { class: `field ${wide ? 'wide' : ''}` },
    h('label', { for: id }, label, !required && h('span', { class: 'small' }, ` (${t('optional')})`)),
    input,
    hint && h('p', { class: 'small', id: `${id}-hint` }, hint),
    message,
  );
  const complain = (sentence) => {
    message.textContent = sentence ?? '';
    if (sentence) input.setAttribute('aria-invalid', 'true');
    else input.removeAttribute('aria-invalid');
  };
  input.addEventListener('input', () => complain(null));
  return { name, node, input, complain };
}

/** The browser's judgement in our words; null where there is nothing to say. */
function mistakeOf(input) {
  const { validity } = input;
  if (validity.valueMissing || (input.required && input.value.trim() === '')) return t('field.required');
  if (validity.typeMismatch) return t(`field.${input.type}`);
  if (validity.tooShort) return t('field.too-short', { count: input.minLength });
  return validity.valid ? null : input.validationMessage;
}

/**
 * A form. `work` gets the values by name; what it throws stands at the fields or above the button.
 * @param {{fields: ReturnType<typeof field>[], submit: string, work: (values: Object<string, string>) => Promise<void>,
 *   content?: any, explain?: (error: Error) => any}} wish
 */
export function form({ fields, submit, work, content = null, explain = errorNotice }) {
  const notice = h('div', {});
  const button = h('button', { type: 'submit', class: 'button wide' }, submit);
  const send = async () => {
    put(notice);
    if (!judge(fields)) return;
    try {
      await work(Object.fromEntries(fields.map(({ name, input }) => [name, input.value.trim()])));
    } catch (error) {
      if (!placeMistakes(fields, error)) put(notice, explain(error));
    }
  };
  return h(
    'form',
    {
      class: 'form',
      novalidate: true,
      onsubmit: (event) => {
        event.preventDefault();
        busy(button, send);
      },
    },
    content ??
      h(
        'div',
        { class: 'fields' },
        fields.map(({ node }) => node),
      ),
    notice,
    button,
  );
}

function judge(fields) {
  const bad = fields.filter(({ input, complain }) => {
    const mistake = mistakeOf(input);
    complain(mistake);
    return mistake;
  });
  bad[0]?.input.focus();
  return bad.length === 0;
}

/** Whether each mistake that the shop found has a field here. */
function placeMistakes(fields, error) {
  if (!(error instanceof Problem) || error.fields.size === 0) return false;
  const left = new Map(error.fields);
  let first = null;
  for (const { name, input, complain } of fields) {
    if (!left.has(name)) continue;
    complain(fieldSentenceOf(left.get(name)));
    left.delete(name);
    first ??= input;
  }
  first?.focus();
  return left.size === 0;
}
