/** main.js - starts the shop: language, header, then the page of the address. */

import { startHeader } from './header.js';
import { startLanguage } from './i18n.js';
import { start } from './router.js';

await startLanguage();
startHeader(document.getElementById('top'), document.getElementById('bottom'));
await start(document.getElementById('main'));
