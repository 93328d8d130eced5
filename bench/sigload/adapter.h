/*
 * adapter - how one kind of server is spoken to.
 *
 * An adapter knows a protocol's envelopes and nothing of sockets (link.h) or of what is measured
 * (mode.h). A new one is a file in adapters/ and a row in adapter.c.
 */
#ifndef SIGLOAD_ADAPTER_H
#define SIGLOAD_ADAPTER_H

#include <stdbool.h>
#include <stddef.h>

#include "payload.h"
#include "peer.h"

struct adapter {
	const char *name;

	/* Starts connecting. MUST end in peer_ready or peer_fail, at once or later. */
	void (*open)(struct peer *peer);

	/* Sends a payload (a JSON object, borrowed) to peer->other. NULL: of no use to a mode that sends. */
	void (*send)(struct peer *peer, enum payload_kind kind, const char *payload, size_t len);

	/* Leaves. MUST accept a peer that is not open. */
	void (*close)(struct peer *peer);

	/* Shows that the client lives. NULL: the protocol has no such message. */
	void (*heartbeat)(struct peer *peer);

	/*
	 * What arrives: the event stream's head was a 200; an event of it; a WebSocket frame.
	 * MAY end the peer. MUST be there if open() makes the link that calls it, but for
	 * `opened`, which MAY be NULL.
	 */
	void (*opened)(struct peer *peer);
	void (*event)(struct peer *peer, const char *name, const char *data, size_t len);
	void (*frame)(struct peer *peer, const char *data, size_t len);

	/* Where POSTs go and what they say they are. NULL where nothing is posted. */
	void (*post_path)(const struct peer *peer, char *path, size_t size);
	const char *post_type;
	bool post_array;	/* several messages MAY go as one JSON array (opts.batch) */

	/* Bytes of the body of a POST's answer. MAY be NULL. */
	void (*answer)(struct peer *peer, const char *bytes, size_t len);

	bool silent;	/* messages arrive nowhere: only the POSTs are of interest */
};

/* One a file in adapters/. */
extern const struct adapter adapter_sigpost, adapter_peerjs_ws, adapter_sigver_sse,
	adapter_nchan_sse, adapter_null_post, adapter_star, adapter_star_sio;

/* All of them, NULL at the end. */
extern const struct adapter *const adapters[];

/* NULL when there is none of that name. */
const struct adapter *adapter_find(const char *name);

#endif
