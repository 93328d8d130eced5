/** Descriptions at random, and what goes wrong with codes; the same each time for one seed. */

/** Numbers from 0 to 1 (mulberry32). @param {number} seed */
function numbers(seed) {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

const BASE64 = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const HEX = '0123456789abcdef';

export class Random {
  #next;

  /** @param {number} seed */
  constructor(seed) {
    this.#next = numbers(seed);
  }

  /** A number from 0, less than `size`. @param {number} size */
  below(size) {
    return Math.floor(this.#next() * size);
  }

  /** @template T @param {ArrayLike<T>} list */
  of(list) {
    return list[this.below(list.length)];
  }

  /** Whether what happens once in `n` happens. @param {number} n */
  once(n) {
    return this.below(n) === 0;
  }

  /** @param {number} length @param {string} chars */
  text(length, chars) {
    return Array.from({ length }, () => this.of(chars)).join('');
  }

  /** @param {number} bits */
  large(bits) {
    return BigInt(`0b0${this.text(bits, '01')}`);
  }

  #ipv4() {
    return Array.from({ length: 4 }, () => this.below(256)).join('.');
  }

  #ipv6() {
    const groups = Array.from({ length: 8 }, () => (this.once(2) ? '0' : this.text(4, HEX)));
    return new URL(`http://[${groups.join(':')}]`).hostname.slice(1, -1);
  }

  #mdns() {
    const parts = [this.text(8, HEX), this.text(4, HEX), `4${this.text(3, HEX)}`,
      this.of('89ab') + this.text(3, HEX), this.text(12, HEX)];
    return `${parts.join('-')}.local`;
  }

  #address() {
    return this.of([() => this.#ipv4(), () => this.#ipv6(), () => this.#mdns()])();
  }

  /** @param {number} priority @param {{address: string, port: number}[]} before */
  #candidate(priority, before) {
    const name = this.once(20) ? `host-${this.text(9, HEX)}.example.org` : this.#address();
    const port = this.below(65536);
    const type = this.of(['host', 'host', 'srflx', 'prflx', 'relay']);
    const tcp = this.once(6) && this.of(['passive', 'so', 'active']);
    const address = tcp === 'active' && type === 'host' && port === 9 ? '192.0.2.9' : name;
    const others = [{ address: this.#ipv4(), port: this.below(65536) },
      { address: this.#ipv6(), port: this.below(65536) }, { address: '0.0.0.0', port: 0 }, ...before];
    const related = this.of(others.filter((it) => /^[\d.]+$|:/.test(it.address)));
    before.push({ address, port });
    return [`a=candidate:${this.text(8, BASE64)} 1 ${tcp ? 'tcp' : 'udp'} ${priority} ${address} ${
      port} typ ${type}`,
    ...(type === 'host' ? [] : [`raddr ${related.address} rport ${related.port}`]),
    ...(tcp ? [`tcptype ${tcp}`] : []),
    ...(this.once(2) ? [`generation 0 network-id ${this.below(9)} network-cost 999`] : [])].join(' ');
  }

  #credentials() {
    return this.of([
      () => [this.text(4, BASE64), this.text(24, BASE64)],
      () => [this.text(8, HEX), this.text(32, HEX)],
      () => [this.text(4 + this.below(253), BASE64), this.text(22 + this.below(235), BASE64)],
    ])();
  }

  #fingerprint() {
    const [hash, bytes] = /** @type {[string, number][]} */ ([
      ['sha-256', 32], ['sha-1', 20], ['sha-224', 28], ['sha-384', 48], ['sha-512', 64],
    ])[this.once(3) ? this.below(5) : 0];
    const hex = Array.from({ length: bytes }, () => this.text(2, '0123456789ABCDEF'));
    return `${hash} ${hex.join(':')}`;
  }

  /** One section of a data channel, usual or not. */
  data() {
    const [ufrag, pwd] = this.#credentials();
    const mid = this.once(4) ? this.text(1 + this.below(20), BASE64) : '0';
    /** @type {{address: string, port: number}[]} */
    const before = [];
    const candidates = Array.from({ length: this.below(6) }, (_, i) => (
      this.#candidate(2 ** 31 - 1 - i * 1000, before)));
    const lines = ['v=0', `o=- ${this.large(62)} 2 IN IP4 127.0.0.1`, 's=-', 't=0 0',
      `a=group:BUNDLE ${mid}`, 'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
      'c=IN IP4 0.0.0.0', ...candidates, `a=ice-ufrag:${ufrag}`, `a=ice-pwd:${pwd}`,
      ...(this.once(4) ? [] : [`a=ice-options:${this.of(['trickle', 'ice2', 'trickle ice2'])}`]),
      `a=fingerprint:${this.#fingerprint()}`,
      `a=setup:${this.of(['actpass', 'active', 'passive', 'holdconn'])}`, `a=mid:${mid}`,
      ...(this.once(4) ? [] : [`a=sctp-port:${this.once(2) ? 5000 : this.below(65536)}`]),
      ...(this.once(4) ? [] : [`a=max-message-size:${this.of(
        ['262144', '1073741823', '0', String(this.large(64))])}`])];
    return { type: this.of(['offer', 'answer']), sdp: lines.map((line) => `${line}\r\n`).join('') };
  }

  /** A text with some of its characters replaced, dropped, doubled, moved. @param {string} text @param {string} chars */
  damage(text, chars) {
    let damaged = text;
    for (let left = 1 + this.below(4); left > 0; left -= 1) {
      const at = this.below(damaged.length + 1);
      const end = Math.min(damaged.length, at + this.below(8));
      const part = damaged.slice(at, end);
      const instead = this.of(['', part + part, [...part].reverse().join(''),
        this.text(end - at, chars), this.text(1, chars)]);
      damaged = damaged.slice(0, at) + instead + damaged.slice(end);
    }
    return damaged;
  }
}
