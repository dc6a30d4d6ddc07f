/** digest.js - a short name for a text: the same for the same text, and the text cannot be read from it. No secret. */

/** @param {string} text */
export function digest(text) {
  let value = 14695981039346656037n; // FNV-1a with 64 bits.
  for (const letter of text) value = ((value ^ BigInt(letter.codePointAt(0))) * 1099511628211n) % 2n ** 64n;
  return value.toString(36).padStart(13, '0');
}
