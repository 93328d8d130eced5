/**
 * What every black-box test starts from: scenarios are written once and looped over the table of
 * web servers (kinds.mjs) and the ways down (channel.mjs).
 */

import { after, before, describe, test } from 'node:test';

import { Channel, WIRES } from './channel.mjs';
import { KINDS } from './kinds.mjs';
import { Site, demand } from './site.mjs';

export { KINDS, PROXY_KINDS, SOCKET_KINDS, kind } from './kinds.mjs';
export { Site, freePort } from './site.mjs';
export { Channel, WIRES } from './channel.mjs';
export { EventStream } from './sse.mjs';
export { raw, request } from './http.mjs';
export { Process, processesOf, run, signal, until, within } from './proc.mjs';

demand();

/** A key that no other test uses. */
export function newKey() {
  return `key ${Math.random().toString(36).slice(2)}`;
}

/** @typedef {import('node:test').TestContext} Test */
/** @typedef {{site: Site, server: import('./site.mjs').Server}} Stage */
/** @typedef {Stage & {wire: 'sse' | 'poll'}} Scene */
/**
 * @typedef {object} Over
 * @property {import('./site.mjs').Settings} [settings]
 * @property {import('./kinds.mjs').Kind[]} [kinds] rows of the table; all of them if not given
 * @property {number} [procs] FastCGI processes
 */

/**
 * Scenarios on one site, made before the first and ended after the last of them.
 * @template S
 * @param {string} title
 * @param {{settings?: import('./site.mjs').Settings}} options
 * @param {(site: Site) => Promise<S>} prepare starts servers, returns what the scenarios get
 * @param {Record<string, (stage: S, t: Test) => Promise<void>>} scenarios
 */
export function onSite(title, options, prepare, scenarios) {
  describe(title, { concurrency: 1 }, () => {
    /** @type {Site} */
    let site;
    /** @type {S} */
    let stage;
    before(async () => {
      site = new Site(options);
      stage = await prepare(site).catch((error) => { throw site.explain(error); });
    });
    after(() => site?.end());
    for (const [name, scenario] of Object.entries(scenarios)) {
      test(name, { timeout: 120_000 }, async (t) => {
        await scenario(stage, t).catch((error) => { throw site.explain(error); });
      });
    }
  });
}

/**
 * Scenarios over every row of the table.
 * @param {string} title
 * @param {Over} options
 * @param {Record<string, (stage: Stage, t: Test) => Promise<void>>} scenarios
 */
export function overServers(title, { settings, kinds = KINDS, procs }, scenarios) {
  for (const kind of kinds) {
    onSite(`${title} · ${kind.name}`, { settings }, async (site) => (
      { site, server: await site.serve(kind, { procs }) }
    ), scenarios);
  }
}

/**
 * Scenarios over every row of the table and both ways down.
 * @param {string} title
 * @param {Over} options
 * @param {Record<string, (scene: Scene, t: Test) => Promise<void>>} scenarios
 */
export function overServersAndWires(title, options, scenarios) {
  /** @type {Record<string, (stage: Stage, t: Test) => Promise<void>>} */
  const all = {};
  for (const [name, scenario] of Object.entries(scenarios)) {
    for (const wire of WIRES) {
      all[`${name} · ${wire}`] = (stage, t) => scenario({ ...stage, wire }, t);
    }
  }
  overServers(title, options, all);
}

/**
 * Sources of one scenario, let go at its end.
 * @param {Scene} scene
 * @param {string} path of the channel
 * @param {number} count
 * @param {(...sources: Channel[]) => Promise<void>} act
 */
export async function withSources({ server, wire }, path, count, act) {
  const sources = await Promise.all(Array.from({ length: count }, () =>
    Channel.open(server.url(path), { wire })));
  try {
    await act(...sources);
  } finally {
    await Promise.all(sources.map((it) => it.abandon()));
  }
}
