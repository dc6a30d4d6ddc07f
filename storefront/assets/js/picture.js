/**
 * picture.js - a drawing in place of a photograph, which the catalog does not have.
 *
 * The colours come from the SKU, the motif from a word of the title, so that a product looks the same everywhere. It is
 * an ornament and hidden from screen readers: the title beside it says more.
 */

import { s } from './dom.js';
import { MOTIFS, SHAPES } from './motifs.js';

/** FNV-1a: the same number for the same text. */
function hash(text) {
  let value = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x01000193);
  return value >>> 0;
}

/** @param {{sku?: string, title?: string, product_id: string}} product */
export function picture(product) {
  const number = hash(product.sku || product.product_id);
  const hue = (number % 24) * 15;
  const ink = `hsl(${hue} 38% 42%)`;
  const paper = `hsl(${hue} 42% ${90 + ((number >>> 8) % 4)}%)`;
  const shade = `hsl(${(hue + 24) % 360} 46% 80%)`;
  const cx = 40 + ((number >>> 12) % 120);
  const cy = 40 + ((number >>> 20) % 120);
  return s(
    'svg',
    { class: 'picture', viewBox: '0 0 200 200', 'aria-hidden': 'true', focusable: 'false' },
    s('rect', { width: 200, height: 200, fill: paper }),
    s('circle', { cx, cy, r: 62 + ((number >>> 5) % 24), fill: shade, opacity: 0.55 }),
    motifOf(product, number).map((path) => stroke(path, ink, paper)),
  );
}

function motifOf(product, number) {
  const title = (product.title ?? '').toLowerCase();
  const found = MOTIFS.find(([words]) => words.test(title));
  return found ? found[1] : SHAPES[number % SHAPES.length];
}

/** The signs before a path are explained in motifs.js. */
function stroke(path, ink, paper) {
  const line = { fill: 'none', 'stroke-width': 7, 'stroke-linecap': 'round', 'stroke-linejoin': 'round' };
  const looks = { '~': { ...line, stroke: ink }, '-': { ...line, stroke: paper }, '!': { fill: paper } };
  const look = looks[path[0]];
  return s('path', look ? { d: path.slice(1), ...look } : { d: path, fill: ink, opacity: 0.9 });
}
