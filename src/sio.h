/*
 * sio - packets of Socket.IO, as they stand in an Engine.IO message: bytes in, slices out, and back.
 *
 * A pure codec. Every result is a slice of the caller's bytes and good as long as they are; the
 * writers append to the caller's buffer and fail as it does (buf_err).
 *
 * `version` is that of the Engine.IO session (eio_version): with 3 go the clients 2.x, which speak
 * Socket.IO protocol revision 4; with 4 the clients 3.x and 4.x, revision 5.
 *
 *	TYPE [ATTACHMENTS -] [/NAMESPACE ,] [ID] [JSON]
 *
 * Sources: socket.io-protocol, and what is said of it by the released socket.io 2.5 and 4.8,
 * socket.io-parser 3.4 and 4.2 (tests/unit/vectors-sio holds their answers). They close the session
 * on anything they cannot read. Stricter than they are: an event has a name, and it is a string; an
 * ack has an id and an array; ids are decimal digits (they take blanks, too); a packet without a byte
 * is none (to them it is CONNECT); JSON has the limits of json.h; a namespace has no control
 * characters. What is binary is told apart, never put together.
 */
#ifndef SIGPOST_SIO_H
#define SIGPOST_SIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "json.h"
#include "str.h"

enum sio_type {			/* '0' + type on the wire */
	SIO_CONNECT, SIO_DISCONNECT, SIO_EVENT, SIO_ACK, SIO_ERROR, SIO_BINARY_EVENT, SIO_BINARY_ACK,
	SIO__MAX
};

#define SIO_ID_MAX	9007199254740991	/* 2^53 - 1: beyond, JavaScript's numbers are not whole */
#define SIO_PARTS_MAX	1000000			/* attachments a packet may announce */

enum sio_no {			/* why a packet is not taken */
	SIO_OK,
	SIO_NO_TYPE,		/* empty, or of no known type */
	SIO_NO_PARTS,		/* binary without a number of attachments, or above SIO_PARTS_MAX */
	SIO_NO_NAMESPACE,	/* not UTF-8, or a control character in it */
	SIO_NO_ID,		/* above SIO_ID_MAX; an ack without any */
	SIO_NO_JSON,		/* what should be JSON is not */
	SIO_NO_DEPTH,		/* deeper than JSON_DEPTH */
	SIO_NO_PAYLOAD,		/* JSON, but not of the kind that its type has */
	SIO_NO_NAME,		/* an event whose name is missing or no string */
	SIO_NO_RESERVED,	/* an event whose name only the library itself may emit */
	SIO_NO_BINARY,		/* sound as far as it goes, but there are attachments to follow */
	SIO_NO__MAX
};

/* One sentence for logs, no full stop. */
const char	*sio_no_text(enum sio_no no);

struct sio_packet {
	enum sio_type		type;
	uint32_t		parts;		/* attachments announced; 0 unless SIO_BINARY_* */
	struct str		nsp;		/* "/" if none is named; without its query */
	struct str		query;		/* version 3, what followed '?' in it, as written */
	bool			has_id;
	uint64_t		id;
	struct json_member	payload;	/* checked; value is empty if there is none */

	/* of SIO_EVENT: its name (sio_event_is; json_text(event.value) for the text of it), and how many
	 * arguments follow (sio_arg) */
	struct json_member	event;
	size_t			args;
};

/*
 * Reads one packet. SIO_OK, or why not; *out then holds what stands before the place where it went
 * wrong, of SIO_NO_BINARY everything but event and args. What a type may bring as payload:
 *	CONNECT		an object or nothing
 *	DISCONNECT	nothing
 *	EVENT		an array that begins with a string
 *	ACK		an array
 *	ERROR		an object, a string or nothing
 *	BINARY_*	an array; always SIO_NO_BINARY, also with no attachments
 */
enum sio_no	sio_read(int version, struct str text, struct sio_packet *out);

/* true if the event has this name (UTF-8), however it is written. */
bool		sio_event_is(const struct sio_packet *p, const char *name);

/* The argument at index i, from 0, byte for byte as it was written; json_text gives the text of one
 * that is a string. -ERR_NOTFOUND: there are fewer. Costs a walk over those before it. */
int		sio_arg(const struct sio_packet *p, size_t i, struct json_member *out);

/* ---- writing; nsp is "/" or empty, or begins with '/' and holds no ',' ---- */

/* 2["name",ARG]. json is a JSON value, put as it is; empty: an event without argument. */
void		sio_event_put(struct buf *out, struct str nsp, struct str name, struct str json);
/* The same with a text as its argument. */
void		sio_event_put_text(struct buf *out, struct str nsp, struct str name, struct str text);

/* 3ID[ARGS]. args: JSON values with a comma between two, put as they are; may be empty. */
void		sio_ack_put(struct buf *out, struct str nsp, uint64_t id, struct str args);

/* The server's consent: version 4 0{"sid":"…"}; version 3 0, which it sends for "/" unasked. */
void		sio_connect_put(struct buf *out, int version, struct str nsp, struct str sid);

/* Its refusal, e.g. "Invalid namespace": version 4 4{"message":"…"}, version 3 4"…". */
void		sio_refusal_put(struct buf *out, int version, struct str nsp, struct str message);

void		sio_disconnect_put(struct buf *out, struct str nsp);

#endif
