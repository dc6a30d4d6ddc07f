/** main.js - starts the shop: language, session, header, then the page of the address. */

import { startHeader } from './header.js';
import { startLanguage } from './i18n.js';
import { start } from './router.js';
import { listen, recall } from './state.js';

/** Whoever only looks at products needs none of it. */
const loadSession = () => import('./session.js');

async function startSession() {
  listen('logged-in', async () => (await loadSession()).follow());
  if (recall('logged-in')) await (await loadSession()).resume();
}

await Promise.all([startLanguage(), startSession()]);
startHeader(document.getElementById('top'), document.getElementById('bottom'));
await start(document.getElementById('main'));
