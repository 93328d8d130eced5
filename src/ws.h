/*
 * ws - WebSocket frames (RFC 6455): what a handshake is answered, frames out, frames in.
 *
 * A pure codec on wslay: no descriptor, no clock. Frames out go into a buffer, unmasked, each
 * message one frame. Frames in are given as they come (ws_eat), in pieces of any size; whole
 * messages come back. What the protocol answers by itself (a pong, a close frame and its code)
 * is appended to a buffer on the way.
 *
 * A struct ws_in costs its few bytes while nothing is on its way; wslay's context (over 4 kB)
 * lives only while a frame or a message is incomplete.
 */
#ifndef SIGPOST_WS_H
#define SIGPOST_WS_H

#include <stdbool.h>
#include <stdint.h>

#include "buf.h"
#include "str.h"

#define WS_ACCEPT_SIZE	29	/* Sec-WebSocket-Accept with its NUL */
#define WS_REASON_MAX	123	/* bytes of a close frame's reason (5.5.1) */
#define WS_FRAGMENTS_MAX 1024	/* frames one message may come in */

enum ws_opcode { WS_TEXT = 1, WS_BINARY = 2, WS_CLOSE = 8, WS_PING = 9, WS_PONG = 10 };

enum ws_code {			/* RFC 6455, 7.4.1, and IANA's registry */
	WS_NORMAL	= 1000,
	WS_GOING_AWAY	= 1001,
	WS_PROTOCOL	= 1002,
	WS_UNSUPPORTED	= 1003,
	WS_NO_CODE	= 1005,		/* what a close frame without a code means; never sent */
	WS_BAD_DATA	= 1007,
	WS_POLICY	= 1008,
	WS_TOO_BIG	= 1009,
	WS_RESTART	= 1012,
	WS_TRY_AGAIN	= 1013
};

/* Sec-WebSocket-Accept for a Sec-WebSocket-Key (4.2.2). -ERR_BAD: the key is not 16 bytes in base64. */
int	ws_accept(struct str key, char out[WS_ACCEPT_SIZE]);

/* One frame. A control frame's payload MUST NOT be longer than 125 bytes. */
void	ws_put(struct buf *out, enum ws_opcode opcode, struct str payload);

/* A close frame. The reason is cut to WS_REASON_MAX, between two characters. */
void	ws_put_close(struct buf *out, int code, struct str reason);

struct ws_in {
	struct wslay_event_context *ctx;	/* NULL: all that came was whole */
	struct ws_meal	*meal;			/* while ws_eat runs */
	uint64_t	 given, framed;		/* bytes wslay got; bytes of the frames it has begun */
	uint32_t	 fragments;		/* of the message that is coming */
	bool		 close;			/* the frame it has begun is a close frame */
	bool		 over;			/* a close frame came or is being sent: nothing is read any more */
};

/* A whole message or control frame; the data is borrowed for the call. code: of a WS_CLOSE. It MAY
 * release nothing; it MUST NOT call ws_eat. */
typedef void	ws_message_fn(void *arg, enum ws_opcode opcode, struct str data, int code);

void	ws_in_init(struct ws_in *in);
void	ws_in_release(struct ws_in *in);

/*
 * Reads bytes. What is to be sent is appended to out. 0; -ERR_CLOSED: what is in out is the last word,
 * the connection ends with it (the other side said goodbye, or broke a rule: then the close frame says
 * which; a message over max_message bytes is one); -ERR_NOMEM.
 */
int	ws_eat(struct ws_in *in, struct str bytes, size_t max_message, ws_message_fn *fn, void *arg, struct buf *out);

#endif
