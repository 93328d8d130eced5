/*
 * eio - Engine.IO 3 and 4, packets and polling payloads: bytes in, slices out, and back.
 *
 * A pure codec. Every result is a slice of the caller's bytes and good as long as they are; the
 * writers append to the caller's buffer and fail as it does (buf_err). All text is UTF-8 (RFC 3629).
 * `version` is 3 or 4 everywhere, as eio_version gave it.
 *
 * Sources: engine.io-protocol, and what is said of it by the released engine.io 3.6 and 6.6,
 * engine.io-parser 2.2 and 5.2 (tests/unit/vectors-eio holds their answers). Stricter than they are:
 * what is not UTF-8 is refused instead of mended; a length is decimal digits (they take " 3", "0x3",
 * "3e0"); a packet "b" of version 3 without a type is refused.
 *
 * A packet is a digit, its type, and its data to the end. Base64 stands in text as
 *	version 3	b, the type, base64
 *	version 4	b, base64; its type is message
 * One WebSocket text frame is one packet. Binary frames are not read here: in version 3 the type is
 * their first byte, in version 4 they are a message and nothing else.
 *
 * A polling payload is one or more packets:
 *	version 3	LENGTH:PACKET each; LENGTH in UTF-16 code units, a packet without any is skipped
 *	version 4	U+001E between two
 *
 * No JSONP: `j` in the query is refused with EIO_BAD_REQUEST. The released clients ask for it only
 * where there is no XMLHttpRequest that may cross origins, or if told to (forceJSONP).
 */
#ifndef SIGPOST_EIO_H
#define SIGPOST_EIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "str.h"

enum eio_type {			/* '0' + type on the wire */
	EIO_OPEN, EIO_CLOSE, EIO_PING, EIO_PONG, EIO_MESSAGE, EIO_UPGRADE, EIO_NOOP, EIO__MAX
};

struct eio_packet {
	enum eio_type	type;
	bool		binary;	/* data is base64, which nobody checked */
	struct str	data;	/* without the type; may be empty, may hold NULs */
};

/* ---- reading ---- */

/* One packet, e.g. a WebSocket text frame. 0; -ERR_BAD: empty, of no known type, not UTF-8. */
int	eio_packet_read(int version, struct str text, struct eio_packet *out);

/*
 * The packets of a payload, one after the other:
 *	for (rc = eio_payload(&it, version, body); rc == 0 && (more = eio_payload_next(&it, &p)) > 0; )
 * eio_payload: 0; -ERR_BAD: empty, or not UTF-8; -ERR_TYPE: binary (version 3 with the Content-Type
 * application/octet-stream: 0 or 1, digits 0 to 9, 255, a packet each), which is not taken apart.
 * eio_payload_next: 1 and a packet; 0: there is no more; -ERR_BAD: the rest is no payload (a length
 * that is none, too long or ends inside a surrogate pair; a packet that is none), and stays so.
 * The released servers let what came before the error take effect, answer "ok" and close the session.
 * The iterator borrows the body and needs no release.
 */
struct eio_payload {		/* private */
	struct str	rest;
	int		version;
	bool		more;
};

int	eio_payload(struct eio_payload *it, int version, struct str body);
int	eio_payload_next(struct eio_payload *it, struct eio_packet *out);

/* All of it at once, for who wants the whole or nothing: 0 and how many packets; else *count is 0 and
 * the error as above. A packet takes at least 2 bytes but for the last (version 3: 3). */
int	eio_payload_check(int version, struct str body, size_t *count);

/* ---- writing ---- */

/* One packet, as a WebSocket text frame has it. */
void	eio_packet_put(struct buf *out, enum eio_type type, struct str data);

/* The packet as the next of a payload; first: it is the first. data MUST be UTF-8 and, for version 4,
 * hold no U+001E (JSON never does). */
void	eio_payload_put(struct buf *out, int version, bool first, enum eio_type type, struct str data);

/* The same for data that is not in one piece: what is appended to out between the two. `at` is what
 * eio_payload_begin returned, an offset in out. */
size_t	eio_payload_begin(struct buf *out, int version, bool first, enum eio_type type);
void	eio_payload_end(struct buf *out, int version, size_t at);

/* ---- the handshake ---- */

struct eio_open {
	struct str	sid;
	bool		websocket;		/* the session may be upgraded to it */
	uint32_t	ping_interval_ms, ping_timeout_ms;
	uint32_t	max_payload;		/* bytes a POST may have; 0: not said (version 3 knows it not) */
};

/* The data of the packet EIO_OPEN: a JSON object. */
void	eio_open_put(struct buf *out, const struct eio_open *o);

/* The version the query asks for with EIO=value: 3 or 4; none given is 3, as in the released servers.
 * -ERR_VERSION: another. */
int	eio_version(struct str value);

enum eio_transport {
	EIO_POLLING, EIO_WEBSOCKET,
	EIO_SSE, EIO_POLL,		/* ours beside the released servers' (proto-sio-stream.c) */
	EIO_TRANSPORT__MAX
};

/* What transport=value names. 0; -ERR_NOTFOUND: nothing of these. */
int	eio_transport(struct str value, enum eio_transport *out);

/* Why a request is refused. The released servers look in this order: transport, then with a sid:
 * EIO_NO_SID, and EIO_BAD_REQUEST if its session has another transport; without: EIO_BAD_METHOD unless
 * GET, EIO_BAD_REQUEST for a websocket that is no upgrade, the version last. */
enum eio_code {			/* as it stands in the answer */
	EIO_NO_TRANSPORT, EIO_NO_SID, EIO_BAD_METHOD, EIO_BAD_REQUEST, EIO_FORBIDDEN, EIO_BAD_VERSION,
	EIO_CODE__MAX
};

/* The HTTP status of that answer: 400, or 403 for EIO_FORBIDDEN. */
int	eio_code_status(enum eio_code code);
/* Its body, of type application/json: {"code":1,"message":"Session ID unknown"} */
void	eio_code_put(struct buf *out, enum eio_code code);

#endif
