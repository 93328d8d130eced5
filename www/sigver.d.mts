/** Any value JSON can carry. */
export type Json = string | number | boolean | null | Json[] | { [name: string]: Json };

/**
 * - `connecting`: no token from the server yet
 * - `open`: the stream is there
 * - `reconnecting`: it is away and will come back at its cursor
 * - `paused`: after pause()
 * - `closed`: for good
 */
export type SigverState = 'connecting' | 'open' | 'reconnecting' | 'paused' | 'closed';

/** As much of EventSource as is used. */
export type SigverEventSource = new (url: string) => EventTarget & {
  readonly readyState: number;
  close(): void;
};

export interface SigverOptions {
  /** The protocol's generation: E (`opened`, the default) or D (`isKeyOk`). */
  generation?: 'D' | 'E';
  /** `auto` (the default): the event stream, or long poll where it is held back. */
  transport?: 'auto' | 'sse' | 'poll';
  /**
   * For Node, e.g. from the package `eventsource`. Without one, and so with null, the stream is
   * read with fetch.
   */
  EventSource?: SigverEventSource | null;
  /** Instead of the global one. */
  fetch?: typeof fetch;
}

export interface SigverDelivery {
  /** From the first POST to the answer. */
  readonly ms: number;
  /** POSTs it took. */
  readonly attempts: number;
}

/** From a partner. */
export interface SigverMessageEvent extends Event {
  /** For an opener: the joining it came from, and the id to answer to. */
  readonly id?: number;
  readonly data: Json;
}

/** The answer to open() or join(); again after the server had forgotten the source. */
export interface SigverOpenedEvent extends Event {
  /** Whether this source is the opener. A join() of a key nobody had opened makes it one. */
  readonly opened: boolean;
}

/** What was last sent did not find its receiver; the channel stays. */
export interface SigverUnavailableEvent extends Event {
  /** The joining that has left; -1: the opener has. */
  readonly id: number;
}

/** The server ended this source. The object is of no further use. */
export interface SigverCloseEvent extends Event {
  /** As a WebSocket's close code (4000 to 4023), or the HTTP status that refused the stream. */
  readonly code: number;
  readonly reason: string;
}

/** Messages were lost: expired, or over a quota, while nobody fetched them. */
export interface SigverGapEvent extends Event {
  readonly from?: string | number;
  readonly to?: string | number;
}

export interface SigverStateEvent extends Event {
  readonly state: SigverState;
  readonly transport: 'sse' | 'poll';
  /** The server had forgotten this source and began a new one; partners know nothing of it. */
  readonly fresh: boolean;
}

/** One message was refused (too large, say); the channel stays. */
export interface SigverErrorEvent extends Event {
  readonly error: SigverError;
}

/** One message as it leaves or comes, without token and cursor. For logs. */
export interface SigverWireEvent extends Event {
  readonly direction: 'up' | 'down';
  readonly text: string;
  /** Size of `text` in UTF-8. */
  readonly bytes: number;
  /** Up only: when the server has it. */
  readonly done?: Promise<SigverDelivery>;
}

export interface SigverEventMap {
  message: SigverMessageEvent;
  opened: SigverOpenedEvent;
  unavailable: SigverUnavailableEvent;
  close: SigverCloseEvent;
  gap: SigverGapEvent;
  state: SigverStateEvent;
  error: SigverErrorEvent;
  wire: SigverWireEvent;
}

export class SigverError extends Error {
  constructor(code: number, reason: string);
  /**
   * What the server said: as SigverCloseEvent.code, or the HTTP status that refused a message.
   * Ours: 1000 closed here, 1001 dropped because the server had forgotten the source.
   */
  readonly code: number;
}

/** One source at sigpost's sigver channel. It connects at once. */
export class Sigver extends EventTarget {
  /** @param base the mount path of sigpost; relative to the page in a browser */
  constructor(base: string | URL, options?: SigverOptions);

  /** Where it speaks. */
  readonly url: string;
  readonly state: SigverState;
  readonly transport: 'sse' | 'poll';

  /** Opens a key and waits there for others. Resolves with true. */
  open(key: string): Promise<boolean>;
  /** Joins whoever opened the key. Resolves with true if nobody had and the key is now ours. */
  join(key: string): Promise<boolean>;
  /**
   * Sends to the joining `id`, or without one to the opener. In order, repeated until the server
   * has it, stored once. Resolves when the server has it.
   */
  send(data: Json, id?: number): Promise<SigverDelivery>;
  /** Lets the stream go and keeps the place; the server keeps the messages. */
  pause(): void;
  /** Comes back from pause(). */
  resume(): void;
  /** Leaves. No `close` event follows. */
  close(): void;

  addEventListener<T extends keyof SigverEventMap>(
    type: T,
    listener: (this: Sigver, event: SigverEventMap[T]) => void,
    options?: boolean | AddEventListenerOptions,
  ): void;
  removeEventListener<T extends keyof SigverEventMap>(
    type: T,
    listener: (this: Sigver, event: SigverEventMap[T]) => void,
    options?: boolean | EventListenerOptions,
  ): void;
}
