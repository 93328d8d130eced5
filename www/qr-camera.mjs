/** The camera, looked through for a QR code. */

import { NO_READER, findReader } from './qr-image.mjs';

/** Between two looks: a hand is not steadier than that, and a phone stays cool. */
const LOOK_MS = 150;

/** What a person can do about it. @type {Record<string, string>} */
const WHY_NOT = {
  NotAllowedError: 'The camera was not allowed. Allow it in the browser’s settings for this page, or choose a picture of the code, or paste it.',
  NotFoundError: 'There is no camera here. Choose a picture of the code, or paste it.',
  NotReadableError: 'The camera is in use elsewhere. Close what uses it, or choose a picture of the code, or paste it.',
};
const NO_CAMERA = 'The camera cannot be used. Choose a picture of the code, or paste it.';
const GONE = 'The camera is gone, or something else has taken it.';
const INSECURE = 'Browsers lend the camera to pages by https only. Choose a picture of the code, or paste it.';

/** @returns {Promise<MediaStream>} @throws Error with a sentence for people */
async function openCamera() {
  if (navigator.mediaDevices === undefined) {
    throw new Error(INSECURE);
  }
  try {
    return await navigator.mediaDevices.getUserMedia({ video: { facingMode: 'environment', width: { ideal: 1280 } } });
  } catch (error) {
    throw new Error(WHY_NOT[/** @type {Error} */ (error).name] ?? NO_CAMERA);
  }
}

export class Camera {
  #video;
  /** @type {MediaStream | undefined} */
  #stream;
  /** Rises when it is started or stopped: what was begun before is given up. */
  #turn = 0;

  /** @param {HTMLVideoElement} video where one sees what it sees */
  constructor(video) {
    this.#video = video;
  }

  get on() {
    return this.#stream !== undefined;
  }

  /**
   * Looks until it is stopped, or gone.
   * @param {(text: string) => void} found called for each other text
   * @param {(error: Error) => void} gone
   * @throws Error with a sentence for people
   */
  async start(found, gone) {
    this.stop();
    const turn = this.#turn;
    const reader = await findReader();
    if (reader === undefined) {
      throw new Error(NO_READER);
    }
    const stream = await openCamera();
    if (turn !== this.#turn) { // stopped while the person was asked
      stream.getTracks().forEach((track) => track.stop());
      return;
    }
    this.#stream = stream;
    stream.getTracks().forEach((track) => track.addEventListener('ended', () => gone(new Error(GONE))));
    this.#video.srcObject = stream;
    await this.#video.play().catch(() => {});
    this.#look(reader, turn, found);
  }

  stop() {
    this.#turn += 1;
    this.#stream?.getTracks().forEach((track) => track.stop());
    this.#stream = undefined;
    this.#video.srcObject = null;
  }

  /**
   * @param {import('./qr-image.mjs').Reader} reader
   * @param {number} turn
   * @param {(text: string) => void} found
   */
  async #look(reader, turn, found) {
    let before;
    while (turn === this.#turn) {
      const text = this.#video.videoWidth > 0 ? await reader.read(this.#video).catch(() => undefined) : undefined;
      if (turn === this.#turn && text !== undefined && text !== before) {
        before = text;
        found(text);
      }
      await new Promise((resolve) => { setTimeout(resolve, LOOK_MS); });
    }
  }
}
