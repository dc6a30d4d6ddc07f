/** i18n.js - the language, and its sentences. English is always there; another language is loaded when it is chosen. */

import english from './texts/en.js';
import { LANGUAGE, announce, recall, remember } from './state.js';

export const LANGUAGES = { en: 'English', de: 'Deutsch' };

let language = 'en';
let texts = english;

/** The language tag for numbers and dates: the browser's variant of the chosen language where it has one. */
export function locale() {
  return navigator.languages?.find((tag) => tag.slice(0, 2) === language) ?? { en: 'en-GB', de: 'de-DE' }[language];
}

export function currentLanguage() {
  return language;
}

/** Before the first page: the language of last time, or the first one of the browser that we have. */
export function startLanguage() {
  const wanted = [recall('language'), ...(navigator.languages ?? [])].map((tag) => tag?.slice(0, 2));
  return load(wanted.find((tag) => tag in LANGUAGES) ?? 'en');
}

export async function chooseLanguage(wanted) {
  remember('language', wanted);
  await load(wanted);
  announce(LANGUAGE);
}

async function load(wanted) {
  texts = wanted === 'en' ? english : { ...english, ...(await import(`./texts/${wanted}.js`)).default };
  language = wanted;
  document.documentElement.lang = wanted;
}

/**
 * A sentence. `{name}` in it is replaced; with `count` the form for this number is taken (`key.one`, `key.other`).
 * @param {string} key
 * @param {Object<string, any>} [facts]
 */
export function t(key, facts = {}) {
  const form = facts.count === undefined ? '' : new Intl.PluralRules(language).select(facts.count);
  const text = texts[`${key}.${form}`] ?? texts[key];
  if (text === undefined) return key;
  return text.replace(/\{(\w+)\}/g, (whole, name) => facts[name] ?? whole);
}

/** Whether there is a sentence of this name. */
export function hasText(key) {
  return key in texts;
}
