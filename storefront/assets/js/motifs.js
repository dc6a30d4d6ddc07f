/**
 * motifs.js - the drawings of picture.js, each with the words of a title that it stands for.
 *
 * A path is filled; "~" before it makes it a line, "-" a line in the colour of the paper, "!" a hole. Coordinates are
 * of a square of 200.
 */

const HEART = 'M100 152C38 112 44 62 76 60c14-1 22 9 24 18 2-9 10-19 24-18 32 2 38 52-24 92Z';

export const MOTIFS = [
  [/\b(bag|shopper|tote|purse|jumbo)/, ['M58 82h84l9 76H49Z', '~M77 92V76a23 23 0 0 1 46 0v16']],
  [
    /\b(mug|cup|tea ?cup|coffee|teapot|egg cup)/,
    ['M56 70h74v46a32 32 0 0 1-32 32H88a32 32 0 0 1-32-32Z', '~M130 84h7a17 17 0 0 1 0 35h-8', '~M50 160h88'],
  ],
  [
    /\b(t-?lights?|candles?|lantern|lamp|light|lights|nightlight)/,
    ['M80 92h40v64H80Z', 'M100 44c15 17 16 33 0 36-16-3-15-19 0-36Z', '~M64 158h72'],
  ],
  [
    /\b(clock|alarm|watch)/,
    ['M100 52a50 50 0 1 1 0 100 50 50 0 0 1 0-100Z', '-M100 72v30l20 14', '~M66 56 54 68M134 56l12 12'],
  ],
  [/\b(bottle|jar|vase|jug)/, ['M84 46h32v26l18 20v64H66V92l18-20Z', '-M78 110h44']],
  [
    /\b(cake|cakestand|baking|muffin|cookie|cupcake)/,
    ['M64 96h72l-10 60H74Z', 'M60 92c0-20 16-24 24-24 4-18 28-18 32 0 10 0 24 4 24 24Z', '-M84 100l6 50M116 100l-6 50'],
  ],
  [
    /\b(bowl|plate|dish|tray|saucer|platter)/,
    ['M44 92h112a56 56 0 0 1-112 0Z', '~M70 156h60', '~M76 74c-8-10 8-14 0-26M104 74c-8-10 8-14 0-26'],
  ],
  [
    /\b(spoon|cutlery|fork|knife|spatula|kitchen)/,
    [
      'M78 44c16 0 20 46 6 54v62H72V98c-14-8-10-54 6-54Z',
      'M116 44h8v34h6V44h8v44c0 8-4 12-8 14v58h-8v-58c-6-2-10-6-10-14V44h4Z',
    ],
  ],
  [
    /\b(cushion|pillow|cover|doily)/,
    ['M52 58q48 14 96 0-12 48 0 96-48-14-96 0 12-48 0-96Z', '-M70 78l60 56M130 78l-60 56'],
  ],
  [
    /\b(frame|mirror|sign|picture|photo|plaque|chalkboard)/,
    ['M50 54h100v98H50Z', '!M64 68h72v70H64Z', 'M68 134l22-34 16 20 10-12 18 26Z'],
  ],
  [
    /\b(umbrella|parasol)/,
    ['M44 106a56 56 0 0 1 112 0q-14-12-28 0-14-12-28 0-14-12-28 0-14-12-28 0Z', '~M100 50v88a12 12 0 0 1-24 0'],
  ],
  [
    /\b(necklace|bracelet|earrings?|ring|brooch|charm|bead)/,
    ['~M58 58c0 56 28 72 42 74 14-2 42-18 42-74', 'M100 124l18 18-18 22-18-22Z'],
  ],
  [
    /\b(flowers?|rose|garden|daisy|plant|herb|floral)/,
    [
      'M100 62c10-22 34-14 28 8 22-4 26 20 6 28 14 18-8 32-22 18-4 22-28 20-28-2-20 8-32-14-14-26-18-14-6-36 14-28-4-22 16-26 16 2Z',
      '!M100 80a12 12 0 1 1 0 24 12 12 0 0 1 0-24Z',
      '~M100 128v34M100 150q14-2 22-14',
    ],
  ],
  [
    /\b(christmas|star|stars|snow\w*|reindeer|bauble|advent)/,
    ['M100 44l14 38 40 2-32 25 11 39-33-22-33 22 11-39-32-25 40-2Z'],
  ],
  [
    /\b(clip|hook|hanger|bunting|garland|string|washing)/,
    ['~M44 68q56 26 112 0', 'M54 74l30 8-19 30Z', 'M88 83h28l-14 34Z', 'M146 74l-28 8 18 30Z'],
  ],
  [
    /\b(card|cards|paper|wrap|notebook|book|postcard|stickers?|napkins?|tissues?|envelope)/,
    ['M62 52l70-10 14 96-70 10Z', '!M56 66h74v92H56Z', 'M60 70h66v84H60Z', '-M74 92h38M74 110h38M74 128h24'],
  ],
  [/\b(hearts?|love)/, [HEART]],
  [
    /\b(box|tin|tins|case|boxes|storage|set|pack|drawer|crate|basket|holder)/,
    ['M50 82l50-24 50 24-50 24Z', 'M50 90l46 22v52l-46-22Z', 'M150 90l-46 22v52l46-22Z'],
  ],
];

/** For a title without such a word: plain shapes, one of these. */
export const SHAPES = [
  ['M60 60h44v44H60Z', 'M120 60a22 22 0 1 1 0 44 22 22 0 0 1 0-44Z', 'M60 118h82v30H60Z'],
  ['M100 48a52 52 0 0 1 0 104Z', '!M100 62a38 38 0 0 0 0 76Z', 'M92 62v76a38 38 0 0 1 0-76Z'],
  ['M56 146l44-88 44 88Z', '!M100 96a18 18 0 1 1 0 36 18 18 0 0 1 0-36Z'],
  ['M54 64h92v16H54Z', 'M54 92h66v16H54Z', 'M54 120h80v16H54Z'],
  ['M74 54h52v92H74Z', '!M88 68h24v24H88Z', '!M88 106h24v24H88Z'],
];
