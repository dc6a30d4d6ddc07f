/** format.js - amounts, times and titles as people read them. */

import { locale } from './i18n.js';

/** @param {{amount_minor: number, currency: string, exponent?: number}} money */
export function formatMoney(money) {
  const exponent = money.exponent ?? 2;
  return new Intl.NumberFormat(locale(), {
    style: 'currency',
    currency: money.currency,
    minimumFractionDigits: exponent,
    maximumFractionDigits: exponent,
  }).format(money.amount_minor / 10 ** exponent);
}

export function formatTime(text) {
  return new Intl.DateTimeFormat(locale(), { dateStyle: 'medium', timeStyle: 'short' }).format(new Date(text));
}

export function formatNumber(number) {
  return new Intl.NumberFormat(locale()).format(number);
}

/** A title that the catalog has in capitals is read more easily in small letters. The words are the same. */
export function formatTitle(title) {
  if (!title) return '';
  const text = title.trim();
  if (text !== text.toUpperCase()) return text;
  const small = text.toLowerCase();
  return small.charAt(0).toUpperCase() + small.slice(1);
}
