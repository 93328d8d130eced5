/**
 * QR codes as pictures: one is drawn of a text, and a text is found in a picture.
 *
 * Drawing needs the library in lib/qr/. For reading, a browser's own BarcodeDetector goes before it.
 */

const SVG = 'http://www.w3.org/2000/svg';
/** The white margin that readers need, in modules (ISO/IEC 18004, 9.1). */
const QUIET = 4;
/** Longer sides of a picture are read smaller: a code that fills a tenth of it has pixels enough. */
const SIDE_MAX = 1024;
const FORMAT = 'qr_code';

/** What a person can do about it. */
export const NO_READER = 'This browser reads no QR codes, and the library that does is not here. Paste the code instead.';
const NO_PICTURE = 'That file is no picture.';
const NO_CODE = 'No QR code was found in that picture. Take one that is sharp, with its white margin.';

/** @returns {Promise<any>} the module; undefined where it was not fetched */
const load = (/** @type {string} */ name) => import(new URL(`lib/qr/${name}.js`, import.meta.url).href).catch(() => undefined);

const encoder = load('index');

/** @returns {Promise<boolean>} whether codes can be drawn here */
export const canDraw = async () => (await encoder) !== undefined;

/** Neighbours in a row become one stroke. @param {boolean[]} row @param {number} y */
function strokes(row, y) {
  let path = '';
  for (let x = 0; x < row.length; x += 1) {
    if (row[x] && !row[x - 1]) {
      const end = row.indexOf(false, x);
      path += `M${x} ${y + 0.5}h${(end < 0 ? row.length : end) - x}`;
    }
  }
  return path;
}

/**
 * @param {string} text what QR's alphanumeric mode holds makes the smallest code
 * @param {string} label for those who do not see it
 * @returns {Promise<SVGSVGElement | undefined>} undefined: the library is not there
 */
export async function draw(text, label) {
  const library = await encoder;
  if (library === undefined) {
    return undefined;
  }
  const rows = /** @type {boolean[][]} */ (library.encodeQR(text, 'raw', { ecc: 'low', border: QUIET }));
  const svg = document.createElementNS(SVG, 'svg');
  const path = document.createElementNS(SVG, 'path');
  svg.setAttribute('viewBox', `0 0 ${rows.length} ${rows.length}`);
  svg.setAttribute('shape-rendering', 'crispEdges');
  svg.setAttribute('role', 'img');
  svg.setAttribute('aria-label', label);
  path.setAttribute('d', rows.map(strokes).join(''));
  svg.append(path);
  return svg;
}

/** @typedef {ImageBitmap | HTMLVideoElement} Picture */
/** @typedef {{name: 'browser' | 'library', read: (picture: Picture) => Promise<string | undefined>}} Reader */

/** @param {Picture} picture */
function sizeOf(picture) {
  const [width, height] = 'videoWidth' in picture ? [picture.videoWidth, picture.videoHeight] : [picture.width, picture.height];
  const scale = Math.min(1, SIDE_MAX / Math.max(width, height));
  return [Math.round(width * scale), Math.round(height * scale)];
}

/** @returns {Promise<Reader | undefined>} */
async function browserReader() {
  const Detector = /** @type {any} */ (globalThis).BarcodeDetector;
  const formats = await Detector?.getSupportedFormats().catch(() => []);
  if (!formats?.includes(FORMAT)) {
    return undefined;
  }
  const detector = new Detector({ formats: [FORMAT] });
  return { name: 'browser', read: async (picture) => (await detector.detect(picture))[0]?.rawValue };
}

/** @returns {Promise<Reader | undefined>} */
async function libraryReader() {
  const library = await load('decode');
  if (library === undefined) {
    return undefined;
  }
  const canvas = document.createElement('canvas');
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext('2d', { willReadFrequently: true }));
  const read = async (/** @type {Picture} */ picture) => {
    [canvas.width, canvas.height] = sizeOf(picture);
    context.drawImage(picture, 0, 0, canvas.width, canvas.height);
    try {
      return /** @type {string} */ (library.default(context.getImageData(0, 0, canvas.width, canvas.height)));
    } catch { // it throws where there is none
      return undefined;
    }
  };
  return { name: 'library', read };
}

/** @type {Promise<Reader | undefined> | undefined} */
let reader;

/** What reads here; undefined: nothing does. Found when it is first asked for. */
export function findReader() {
  reader ??= browserReader().then((own) => own ?? libraryReader());
  return reader;
}

/**
 * @param {Blob} file a picture
 * @returns {Promise<string>} the text of the code in it
 * @throws Error with a sentence for people
 */
export async function readFile(file) {
  const found = await findReader();
  if (found === undefined) {
    throw new Error(NO_READER);
  }
  const picture = await createImageBitmap(file).catch(() => {
    throw new Error(NO_PICTURE);
  });
  try {
    const text = await found.read(picture);
    if (text === undefined) {
      throw new Error(NO_CODE);
    }
    return text;
  } finally {
    picture.close();
  }
}
