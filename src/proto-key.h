/*
 * proto-key - what each protocol says when the API key it is used with serves nobody.
 *
 * PeerJS has its message ERROR, sigver the event close with a code of ours, 4403, webrtc-star the event
 * ss-error. What is no stream gets a problem document, 403.
 */
#ifndef SIGPOST_PROTO_KEY_H
#define SIGPOST_PROTO_KEY_H

#include "hub.h"

/* For PeerJS: a sentence without a full stop. */
const char	*key_bar_text(enum req_bar bar);

/* The hub's barred function. */
void	key_farewell(struct stream *s, const char *key, enum req_bar bar, struct wire_end *end);

/* Answers: a problem document; a stream of one event, the last (sigver, webrtc-star). */
int	key_refuse(struct req *r, const char *key);
int	key_decline(struct req *r, const char *key, const struct wire *wire);

#endif
