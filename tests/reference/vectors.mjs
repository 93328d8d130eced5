// What the released parsers of Engine.IO and Socket.IO make of some packets, one JSON array a line:
// tests/unit/test-sio-oracle.c asks our codecs the same. To write the two files anew:
//
//	npm install --prefix DIR engine.io-parser-2@npm:engine.io-parser@2.2.1 \
//		engine.io-parser-5@npm:engine.io-parser@5.2.3 socket.io-parser-3@npm:socket.io-parser@3.4.3 \
//		socket.io-parser-4@npm:socket.io-parser@4.2.4 engine.io-6@npm:engine.io@6.6.4
//	node tests/reference/vectors.mjs DIR eio >tests/unit/vectors-eio
//	node tests/reference/vectors.mjs DIR sio >tests/unit/vectors-sio
//
// A fourth argument, a number, writes so many random lines instead. What each kind of line holds is
// said at the function that makes it; a kind that ends in ! is one where we are stricter and refuse.

import { createRequire } from 'node:module'
import { parse } from 'node:url'
import { resolve } from 'node:path'

const [dir, what, random] = process.argv.slice(2)
const require = createRequire(resolve(dir, 'here.js'))
const eio = { 3: require('engine.io-parser-2'), 4: require('engine.io-parser-5') }
const sio = { 3: require('socket.io-parser-3'), 4: require('socket.io-parser-4') }
const types = ['open', 'close', 'ping', 'pong', 'message', 'upgrade', 'noop']

const say = (...line) => console.log(JSON.stringify(line))

// ---- Engine.IO

// "4hello"; "b4" for what is binary; "error"
function described(packet) {
	if (!types.includes(packet.type)) return 'error'
	const digit = types.indexOf(packet.type)
	return Buffer.isBuffer(packet.data) ? `b${digit}` : `${digit}${packet.data ?? ''}`
}

function decodePayload(version, text) {
	const packets = []
	if (version === 4) packets.push(...eio[4].decodePayload(text))
	else eio[3].decodePayload(text, (packet) => { packets.push(packet) })
	const seen = packets.map(described)
	return seen.includes('error') ? [...seen.slice(0, seen.indexOf('error')), 'error'] : seen
}

// ["payload", version, text, packet...]
function payload(version, text, kind = 'payload') {
	say(kind, version, text, ...decodePayload(version, text))
}

// ["packet", version, text, packet]
function packet(version, text, kind = 'packet') {
	say(kind, version, text, described(eio[version].decodePacket(text)))
}

// ["write", version, text, packet...]
function write(version, ...packets) {
	const list = packets.map((it) => ({ type: types[Number(it[0])], data: it.slice(1) }))
	const done = (text) => say('write', version, text, ...packets)
	if (version === 3) eio[3].encodePayload(list, false, done)
	else eio[4].encodePayload(list, done)
}

// ["code", number, body]
function codes() {
	const { Server } = require('engine.io-6')
	for (const [code, message] of Object.entries(Server.errorMessages))
		say('code', Number(code), JSON.stringify({ code: Number(code), message }))
}

const payloads = {
	3: ['1:2', '1:26:4hello', '6:4hello1:2', '3:4::1:2', '2:4€1:2', '3:4😀1:2', '4:4€', '4:4€1:2', '6:b4AQ==1:2',
		'0:1:2', '001:2', '', ':2', '1', ':', '+1x:2', '-1:2', '2:2', '1:26', '1:21:9', '1:2x', '4294967297:2',
		'18446744073709551617:2', '3:2\u001e2', '2\u001e2', '1:22:', '10:40/chat?a=', '9:2/chat,[]1:2', '1:7', '2:4\u0000'],
	4: ['2', '2\u001e4hello', '4€\u001e4😀', 'bAQ==\u001e2', 'b\u001e2', '', '\u001e', '\u001e2', '2\u001e', '2\u001e\u001e2',
		'2\u001e9', '1:2', '40{"a":"b"}\u001e3', '7', '2probe', '5', '6\u001e6', '4\u0000', '4\ufeff', '\ufeff4'],
}
const packets = ['0{}', '1', '2', '2probe', '3', '42["a"]', '5', '6', '7', '', 'a', ' 2', '\u0004', '4', '40', '4😀', '-1', 'b4AQ==']

function writeEio() {
	for (const version of [3, 4]) {
		for (const text of payloads[version]) payload(version, text)
		for (const text of packets) packet(version, text)
		write(version, '40', '2', '4€', '4😀', '42["x","é"]', '3probe', '6')
		write(version, '2')
		write(version, '4' + 'é'.repeat(100))
	}
	for (const text of [' 1:2', '1 :2', '0x1:2', '1e0:2', '+1:2', '1.0:2', '2:4😀1:2']) payload(3, text, 'payload!')
	for (const text of ['b', 'bAQ==']) packet(3, text, 'packet!')
	codes()
}

// ---- Socket.IO

function decode(version, text) {
	const decoder = new sio[version].Decoder()
	let packet
	decoder.on('decoded', (it) => { packet = it })
	decoder.add(text)
	packet ??= decoder.reconstructor.reconPack
	if (String(packet.data).startsWith('parser error')) throw new Error(packet.data)
	return packet
}

// As socket.io does it for clients 2.x. Of random lines the query is cut off by hand: url.parse writes
// what cannot stand in a URL as %XX.
function pathname(nsp) {
	return random ? nsp.split('?')[0] : parse(nsp, true).pathname
}

// ["read", version, text, type, namespace, id, payload]; ["read", version, text, "binary"]; or "error"
function read(version, text, kind = 'read') {
	let packet
	try { packet = decode(version, text) } catch { return say(kind, version, text, 'error') }
	if (packet.attachments !== undefined) return say(kind, version, text, 'binary')
	const nsp = version === 3 ? pathname(packet.nsp) : packet.nsp
	const data = packet.data === undefined ? null : JSON.stringify(packet.data)
	say(kind, version, text, packet.type, nsp, packet.id ?? null, data)
}

const types5 = { connect: 0, disconnect: 1, event: 2, ack: 3, refusal: 4 }

// [what, version, text, namespace, argument...]
function put(what, version, packet, ...args) {
	const encoder = new sio[version].Encoder()
	const done = ([text]) => say(what, version, text, packet.nsp, ...args)
	const whole = { type: types5[what], ...packet }
	if (version === 3) encoder.encode(whole, done)
	else done(encoder.encode(whole))
}

const texts = ['0', '0/chat', '0/chat,', '0/,', '1', '1/chat,', '2["ss-join","/ip4/1"]', '2["x"]', '20["x"]', '2/chat,12["x",1]',
	'29007199254740991["x"]', '2007["x",null]', '30[]', '3/chat,7[1,"a"]', '4"no"', '4{"message":"no"}', '4/chat,"no"', '4',
	'7', 'a', '/', '51-["x",{"_placeholder":true,"num":0}]', '52-/chat,7["x"]', '50-["x"]', '61-3[{"_placeholder":true,"num":0}]',
	'51["x"]', '5x-["x"]', '5', '2{}', '2"x"', '2null', '2[]', '2[null]', '2[["x"]]', '2["x"', '2["x"]x', '2-1["x"]',
	'1{}', '1x', '31{}', '4[1', '0x', '0{}', '0/chat,{"token":"a"}', '2["\\u0000"]', '2["x",{"a":[1,{"b":"€😀"}]}]', '2["__proto__",1]']
const reserved = ['connect', 'connect_error', 'disconnect', 'disconnecting', 'newListener', 'removeListener']

function writeSio() {
	for (const version of [3, 4]) {
		for (const text of texts) read(version, text)
		for (const text of ['', '2', '2/chat,', '2/chat["x"]', '212', '2[1]', '31', '3[]', '5-["x"]', '29007199254740992["x"]', '0/a\u001e,'])
			read(version, text, 'read!')
		for (const nsp of ['/', '/chat']) {
			put('connect', version, { nsp, data: version === 3 ? undefined : { sid: 'a"b' } }, 'a"b')
			put('disconnect', version, { nsp })
			put('event', version, { nsp, data: ['x'] }, 'x')
			put('event', version, { nsp, data: ['é"\n', '/ip4/"\u001e\\'] }, 'é"\n', '/ip4/"\u001e\\')
			put('ack', version, { nsp, id: 12, data: [] }, 12)
			put('ack', version, { nsp, id: 0, data: ['a'] }, 0, 'a')
			const data = version === 3 ? 'Invalid namespace' : { message: 'Invalid namespace' }
			put('refusal', version, { nsp, data }, 'Invalid namespace')
		}
	}
	read(3, '0/chat?token=a&b=2,')
	read(4, '0/chat?token=a&b=2,')
	for (const name of reserved) read(4, `2["${name}",1]`)
	for (const name of reserved) read(3, `2["${name}",1]`, 'read!')
	read(3, '4[]', 'read!')
	read(3, '0[]', 'read!')
}

// ---- random lines: a kind that ends in ? may be refused by us

const pick = (list) => list[Math.floor(Math.random() * list.length)]
const some = (list, most) => Array.from({ length: Math.floor(Math.random() * (most + 1)) }, () => pick(list)).join('')

const eioParts = [...'0123456789:b4', '€', '😀', '\u001e', '1:2', '2:4€', '3:4😀', '6:4hello', 'probe', 'AQ==', ' ', 'é', '{}']
const sioParts = [...'0123456789-/,"[]{}: ', '["x"]', '["x",', '"a"', 'null', '1', '[1]', '{"a":1}', '/chat,', '/a?b,', '\\u0063', '€']

function writeRandom(count) {
	for (let i = 0; i < count; i++) {
		const version = pick([3, 4])
		if (what === 'eio') payload(version, pick(['', '1:2', '2\u001e', '3:4é4']) + some(eioParts, 8), 'payload?')
		else read(version, pick([...'01234']) + pick(['', '/chat,', '12', '/chat,7', '["x",1', '["x"]']) + some(sioParts, 5), 'read?')
	}
}

if (random) writeRandom(Number(random))
else if (what === 'eio') writeEio()
else writeSio()
