/** CGI without a web server: the courier, the hub it founds, and what happens when there is none. */

import assert from 'node:assert/strict';
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';

import { answer, messages, say, stream } from './cgi-child.mjs';
import { variables } from './fcgi.mjs';
import {
  Channel, KINDS, Process, newKey, onSite, overServers, request, signal, until, within,
} from './harness.mjs';

/** @typedef {import('./site.mjs').Site} Site */

const CGI = KINDS.filter((it) => it.gate === 'cgi');

/**
 * A CGI child whose body comes in pieces, a pipe's writer resting after each.
 * @param {Site} site
 * @param {string} body that is announced
 * @param {string[]} pieces
 */
function dribble(site, body, pieces) {
  const script = 'program=$1; shift; for piece; do printf %s "$piece"; sleep 0.2; done | "$program"';
  const env = {
    ...site.environment(), ...variables({ method: 'POST', uri: '/sigver', body }),
  };
  const command = ['sh', '-c', script, 'sh', join(site.root, 'bin/sigpost.cgi'), ...pieces];
  return new Process(command, { cwd: site.root, env });
}

/**
 * Something that listens where the hub would, holding its lock, and answers as told.
 * @param {Site} site
 * @param {string} says perl: what it does with a connection $c
 */
async function impostor(site, says) {
  const script = `
    use IO::Socket::UNIX; use Fcntl ':flock'; # the hub's own kind of lock
    open(my $lock, '>>', "$ARGV[0].hub.lock") or die; flock($lock, LOCK_EX) or die;
    unlink "$ARGV[0].hub";
    my $s = IO::Socket::UNIX->new(Local => "$ARGV[0].hub", Listen => 50) or die;
    $| = 1; print "ready\\n"; my @all;
    while (my $c = $s->accept) { ${says}; }`;
  const it = new Process(['perl', '-e', script, site.db], { cwd: site.root });
  await until('the impostor', () => it.output.toString().includes('ready'));
  return it;
}

onSite('CGI by hand', { settings: { hub_idle_ms: 600, request_ms: 800 } }, async (site) => site, {
  'a request is answered': async (site) => {
    const { text } = await answer(site);
    assert.match(text, /^Status: 200 OK\r\n/);
    assert.match(text, /"PeerJS Server"/);
  },

  'what a URL put into argv is not read': async (site) => {
    for (const [program, ...args] of [
      ['sigpost.cgi', '--help'], ['sigpost', '--version'], ['sigpost', 'serve', '--port', '1'],
    ]) {
      assert.match((await answer(site, { program, args })).text, /^Status: 200 OK\r\n/, program);
    }
  },

  'a stream outlives the child, and a POST reaches it': async (site) => {
    const { it, auth, drop } = await stream(site);
    await within('the end of the child', it.ended);
    assert.equal((await say(site, auth, { open: newKey() })).status, 200);
    await until('its answer', () => messages(it).length === 1);
    assert.equal(site.hubs().length, 1);
    drop();
  },

  'a body may come in pieces after the child has gone': async (site) => {
    const down = await stream(site);
    const body = `${down.auth}@{"open":"${newKey()}"}`;
    const it = dribble(site, body, [body.slice(0, 9), body.slice(9, 10), body.slice(10)]);
    await within('the answer', it.closed);
    assert.match(it.output.toString(), /^Status: 200 OK/);
    await until('its answer', () => messages(down.it).length === 1);
    down.drop();
  },

  'a body that does not come is not waited for': async (site) => {
    const it = dribble(site, 'x@{}', ['x', '', '', '', '', '', '', '']);
    await until('a refusal', () => it.output.toString().includes('Status: 408'));
    await it.stop('SIGKILL');
  },

  'a body shorter than its length is refused, one longer is cut there': async (site) => {
    const post = (/** @type {string} */ body, /** @type {number} */ length) => answer(site, {
      method: 'POST', uri: '/sigver', body, vars: { CONTENT_LENGTH: String(length) },
    });
    const short = await post('x@{}', 50);
    assert.equal(short.status, 400);
    assert.match(short.text, /application\/problem\+json/);
    assert.equal((await post('x@{}and more', 4)).status, 581);
  },

  'lengths that are none, and bodies over the ceiling, are refused': async (site) => {
    for (const [length, status] of /** @type {[string, number][]} */ ([
      ['-1', 400], ['abc', 400], ['1 2', 400], ['99999999999999999999', 413], ['262145', 413],
    ])) {
      const it = await answer(site, {
        method: 'POST', uri: '/sigver', body: 'x@{}', vars: { CONTENT_LENGTH: length },
      });
      assert.ok(it.status === status || (status === 413 && it.status === 400), `${length}: ${it.text}`);
    }
  },

  'a hub leaves by itself when nothing is going on': async (site) => {
    await answer(site);
    assert.equal(site.hubs().length, 1);
    await until('the hub to leave', () => site.hubs().length === 0, 8000);
  },

  'children that found at once found one hub': async (site) => {
    await until('no hub', () => site.hubs().length === 0, 8000);
    const all = await Promise.all(Array.from({ length: 24 }, () => answer(site)));
    assert.ok(all.every((it) => it.status === 200), all.map((it) => it.errors).join());
    assert.equal(site.hubs().length, 1);
  },

  'the socket a dead hub left behind is replaced': async (site) => {
    for (let n = 0; n < 3; n += 1) {
      await answer(site);
      site.hubs().forEach((pid) => signal(pid, 'SIGKILL'));
      await until('its end', () => site.hubs().length === 0);
      assert.equal((await answer(site)).status, 200);
    }
  },

  'a hub of another version, a full one, one that hangs up: requests are served all the same': async (site) => {
    for (const says of [
      'print $c "V"; close $c', 'print $c "F"; close $c', 'close $c', 'print $c "?"; close $c',
    ]) {
      site.hubs().forEach((pid) => signal(pid, 'SIGKILL'));
      await until('its end', () => site.hubs().length === 0);
      const other = await impostor(site, says);
      try {
        assert.equal((await answer(site)).status, 200, says);
        const { it, auth, drop } = await stream(site);
        assert.equal((await say(site, auth, { open: newKey() })).status, 200, says);
        await until(`its answer (${says})`, () => messages(it).length === 1);
        drop();
        await until('the lonely child to leave', () => site.hubs().length === 0, 8000);
      } finally {
        await other.stop('SIGKILL');
      }
    }
    assert.equal((await answer(site)).status, 200);
  },
});

onSite('CGI where no hub can be', { settings: { hub_idle_ms: 600 } }, async (site) => {
  mkdirSync(`${site.db}.hub`);
  mkdirSync(`${site.db}.hub/in the way`);
  return site;
}, {
  'children do the work themselves, sixteen at once': async (site) => {
    const [opener, joining] = [await stream(site), await stream(site)];
    const key = newKey();
    assert.equal((await say(site, opener.auth, { open: key })).status, 200);
    assert.equal((await say(site, joining.auth, { join: key })).status, 200);
    const numbers = Array.from({ length: 16 }, (_, n) => n);
    const posts = await Promise.all(numbers.map((n) => say(site, joining.auth, { data: n })));
    assert.ok(posts.every((it) => it.status === 200), posts.map((it) => it.text).join('\n'));
    await until('every message', () => messages(opener.it).length === 17);
    const heard = messages(opener.it).slice(1).map((it) => it.data);
    assert.deepEqual(heard.sort((a, b) => a - b), numbers);
    assert.equal(site.hubs().length, 2, 'two streams, two children');
    opener.drop();
    joining.drop();
    await until('the children to notice', () => site.hubs().length === 0, 8000);
    rmSync(`${site.db}.hub`, { recursive: true });
  },
});

overServers('CGI', { kinds: CGI }, {
  'the founding client leaves, and nobody else notices': async ({ site, server }) => {
    site.hubs().forEach((pid) => signal(pid, 'SIGKILL'));
    await until('no hub', () => site.hubs().length === 0);
    const founder = await Channel.open(server.url('/sigver'));
    const [hub] = site.hubs();
    const opener = await Channel.open(server.url('/sigver'));
    await founder.drop();
    const joining = await Channel.open(server.url('/sigver'), { wire: 'poll' });
    const key = newKey();
    await opener.say({ open: key });
    await opener.value();
    await joining.say({ join: key });
    assert.deepEqual(await joining.value(), { isKeyOk: true });
    await joining.say({ data: 1 });
    assert.equal((await opener.value()).data, 1);
    assert.deepEqual(site.hubs(), [hub]);
    await Promise.all([opener.abandon(), joining.abandon()]);
  },

  'sixteen write at once while the hub holds streams': async ({ server }) => {
    const opener = await Channel.open(server.url('/sigver'));
    const key = newKey();
    await opener.say({ open: key });
    await opener.value();
    const writers = await Promise.all(Array.from({ length: 16 }, () =>
      Channel.open(server.url('/sigver'), { wire: 'poll' })));
    await Promise.all(writers.map(async (it) => {
      await it.say({ join: key });
      assert.deepEqual(await it.value(), { isKeyOk: true });
    }));
    await Promise.all(writers.map(async (it, writer) => {
      for (let n = 0; n < 10; n += 1) {
        await it.say({ data: [writer, n] });
      }
    }));
    const next = Array(16).fill(0);
    for (let n = 0; n < 160; n += 1) {
      const [writer, count] = (await opener.value()).data;
      assert.equal(count, next[writer], 'each writer in order, each message once');
      next[writer] += 1;
    }
    await Promise.all([opener, ...writers].map((it) => it.abandon()));
  },

  'a hub that dies between two requests is founded anew': async ({ server, site }) => {
    for (let n = 0; n < 3; n += 1) {
      site.hubs().forEach((pid) => signal(pid, 'SIGKILL'));
      assert.equal((await request(server.url('/'))).status, 200);
    }
  },
});

onSite('a full hub', { settings: { max_streams: 2 } }, async (site) => ({
  site, server: await site.serve(CGI[0]),
}), {
  'sends the next away, who does the work itself': async ({ server }) => {
    const key = newKey();
    const all = [];
    for (let n = 0; n < 5; n += 1) {
      all.push(await Channel.open(server.url('/sigver')));
    }
    const [opener, ...joinings] = all.reverse();
    await opener.say({ open: key });
    assert.deepEqual(await opener.value(), { isKeyOk: true });
    for (const joining of joinings) {
      await joining.say({ join: key });
      assert.deepEqual(await joining.value(), { isKeyOk: true });
      await joining.say({ data: 'here' });
      assert.equal((await opener.value()).data, 'here');
    }
    await Promise.all(all.map((it) => it.abandon()));
  },
});
