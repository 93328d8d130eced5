/** Session descriptions, small enough for a QR code, a link or a line of chat. */

/** An RTCSessionDescription is one, too. */
export interface Description {
  readonly type: string;
  readonly sdp: string;
}

export interface CompactOptions {
  /**
   * - `qr` (the default): what QR's alphanumeric mode holds, without the blank
   * - `url`: digits and letters, for links and chat; some characters less
   */
  alphabet?: 'qr' | 'url';
}

/**
 * - `description`: compact() was given something else than an offer or an answer
 * - `alphabet`: a character that is in no code, or no code at all
 * - `version`: a code of a version that is not known here
 * - `checksum`: misread, or cut off
 * - `content`: well read, but made by something that does not keep to the specification
 */
export type DescriptionErrorCode = 'description' | 'alphabet' | 'version' | 'checksum' | 'content';

/** The only error of compact() and expand(). */
export class DescriptionError extends Error {
  constructor(code: DescriptionErrorCode, message: string);
  readonly code: DescriptionErrorCode;
}

/**
 * An offer or an answer as a code. Gather all candidates first: they are part of it.
 * @throws DescriptionError `description`
 */
export function compact(description: Description, options?: CompactOptions): string;

/**
 * The description that a code stands for, in either alphabet. Blanks around it do not matter.
 * @throws DescriptionError any but `description`
 */
export function expand(code: string): { type: 'offer' | 'answer'; sdp: string };
