/** Certificates for tests of TLS, made by openssl: a root, one between, and those for this machine. */

import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** What this machine is called. */
const NAMES = 'subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1';
const AUTHORITY = 'basicConstraints=critical,CA:TRUE';

/** Files of a directory, by their names without .pem. */
export class Certificates {
  /** @param {string} directory made here; what runs as another user must be able to read it */
  constructor(directory) {
    this.directory = directory;
    mkdirSync(directory);
    this.make('root', { extension: AUTHORITY });
    this.make('between', { by: 'root', extension: AUTHORITY });
    this.make('cert', { by: 'between' });
  }

  /** @param {string} name */
  path(name) {
    return join(this.directory, `${name}.pem`);
  }

  /** @param {string} name */
  read(name) {
    return readFileSync(this.path(name));
  }

  /** @param {string[]} args */
  #openssl(...args) {
    execFileSync('openssl', args, { stdio: 'pipe' });
  }

  /**
   * NAME.pem and its key, NAME-key.pem.
   * @param {string} name
   * @param {{by?: string, days?: number, extension?: string}} [how] by: who signs it; days: how long it is valid
   */
  make(name, { by = name, days = 30, extension = NAMES } = {}) {
    const [key, csr, ext] = [this.path(`${name}-key`), join(this.directory, 'csr'), join(this.directory, 'ext')];
    this.#openssl('req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', key,
      '-out', csr, '-subj', `/CN=${name}`);
    chmodSync(key, 0o644);
    writeFileSync(ext, `${extension}\n`);
    const signer = by === name ? ['-signkey', key]
      : ['-CA', this.path(by), '-CAkey', this.path(`${by}-key`), '-CAcreateserial'];
    this.#openssl('x509', '-req', '-in', csr, ...signer, '-days', String(days), '-extfile', ext, '-out', this.path(name));
  }

  /** A key with a passphrase. @param {string} name @param {string} from */
  lock(name, from) {
    this.#openssl('pkey', '-in', this.path(from), '-aes256', '-passout', 'pass:secret', '-out', this.path(name));
    chmodSync(this.path(name), 0o644);
  }
}
