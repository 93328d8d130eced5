/*
 * node - a client of webrtc-star at /star, on a fake hub: its stream down, what it says and hears.
 */
#ifndef SIGPOST_TESTS_NODE_H
#define SIGPOST_TESTS_NODE_H

#include "fake.h"

#define SHAKE_BODY(src, dst, more) "{\"srcMultiaddr\":\"" src "\",\"dstMultiaddr\":\"" dst "\"" more "}"
#define SHAKE(src, dst, more) "{\"event\":\"ss-handshake\",\"data\":" SHAKE_BODY(src, dst, more) "}"
#define EVENT(name, addr) "{\"event\":\"" name "\",\"data\":\"" addr "\"}"
#define GONE ",\"err\":\"peer is not available\""

/* "/star?addr=ADDR&token=TOKEN" and what follows; token NULL: none. Good until the next but three. */
const char	*node_uri(const char *addr, const char *token, const char *more);

struct fake_conn *node_stream(struct fake *at, const char *addr, const char *token);	/* has been told `joined` */

/* The nth handshake (from 0) is this; no nth handshake. */
void	node_hears(struct fake_conn *down, int nth, const char *want);
void	node_hears_no_more(struct fake_conn *down, int nth);

/* Says it, with a status to expect and what must stand in the answer. */
void	node_told(struct fake *at, const char *addr, const char *token, const char *body, int status, const char *part);

void	node_gone(struct fake *at, struct fake_conn *down);	/* the client leaves; frees */

#endif
