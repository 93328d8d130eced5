/*
 * payload - what peers say to each other, and how a receiver knows what it got.
 *
 * Three kinds, as in a WebRTC handshake: offer, answer, candidate. Each is a JSON object of the
 * size asked for and ends in a member "lg" with a marker of fixed width: kind, number of the
 * pair, side and sequence number of the sender, time of sending. A receiver looks for markers
 * in whatever bytes arrive, so it needs to know no protocol's envelope and several messages in
 * one frame are no trouble.
 */
#ifndef SIGLOAD_PAYLOAD_H
#define SIGLOAD_PAYLOAD_H

#include <stddef.h>
#include <stdint.h>

/* What a peer of webrtc-star joins, made of its id. */
#define PAYLOAD_MULTIADDR "/dns4/wrtc-star.example.org/tcp/443/wss/p2p-webrtc-star/p2p/%s"

enum payload_kind { PAYLOAD_OFFER, PAYLOAD_ANSWER, PAYLOAD_CANDIDATE, PAYLOAD__MAX };

struct payload_mark {
	enum payload_kind kind;
	uint32_t pair, seq;
	int side;
	uint64_t sent_ns;	/* sys_now_ns of the sender, which is this process */
};

/* Makes the three texts; an answer is nine tenths of an offer. */
void payload_init(size_t offer_size, size_t candidate_size);

/* Length of a kind's text in bytes. */
size_t payload_size(enum payload_kind kind);

/* OFFER, ANSWER or CANDIDATE. */
const char *payload_name(enum payload_kind kind);

/* The text with this mark in it; borrowed until the next call for the same kind. */
const char *payload_stamp(const struct payload_mark *mark);

/*
 * Finds the next mark at or behind `bytes`. Returns the place behind it, or NULL when there is
 * no more.
 */
const char *payload_find(const char *bytes, const char *end, struct payload_mark *mark);

#endif
