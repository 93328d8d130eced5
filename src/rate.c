/*
 * rate - the tables of rate.h: one line of the cache a key, one word a slot.
 *
 * Costs: a look at eight neighbouring words and one compare-and-swap; measured by tests/unit/test-rate.c.
 */
#include "config.h"

#include <stdatomic.h>
#include <string.h>

#include "rate.h"

_Static_assert(sizeof(_Atomic uint64_t) == 8 && ATOMIC_LLONG_LOCK_FREE == 2, "a slot is one word between processes");

/* ---- keys: SipHash-2-4 (Aumasson, Bernstein, 2012) ---- */

#define ROTATE(x, b)	((x) << (b) | (x) >> (64 - (b)))

static void
sip_round(uint64_t v[4])
{
	v[0] += v[1], v[1] = ROTATE(v[1], 13), v[1] ^= v[0], v[0] = ROTATE(v[0], 32);
	v[2] += v[3], v[3] = ROTATE(v[3], 16), v[3] ^= v[2];
	v[0] += v[3], v[3] = ROTATE(v[3], 21), v[3] ^= v[0];
	v[2] += v[1], v[1] = ROTATE(v[1], 17), v[1] ^= v[2], v[2] = ROTATE(v[2], 32);
}

static void
sip_word(uint64_t v[4], uint64_t m)
{
	v[3] ^= m;
	sip_round(v);
	sip_round(v);
	v[0] ^= m;
}

/* Little-endian, whatever the machine is; n: 8, or what is left. */
static uint64_t
word_of(const char *p, size_t n)
{
	uint64_t m = 0;
	size_t i;

	for (i = 0; i < n; i++)
		m |= (uint64_t)(unsigned char)p[i] << 8 * i;
	return m;
}

static uint64_t
siphash(const uint64_t k[2], struct str s)
{
	uint64_t v[4] = {
		k[0] ^ 0x736f6d6570736575, k[1] ^ 0x646f72616e646f6d,
		k[0] ^ 0x6c7967656e657261, k[1] ^ 0x7465646279746573,
	};
	size_t i;

	for (i = 0; i + 8 <= s.n; i += 8)
		sip_word(v, word_of(s.p + i, 8));
	sip_word(v, word_of(s.p + i, s.n - i) | (uint64_t)s.n << 56);
	v[2] ^= 0xff;
	for (i = 0; i < 4; i++)
		sip_round(v);
	return v[0] ^ v[1] ^ v[2] ^ v[3];
}

void
rate_secret(struct rate *r, const unsigned char secret[RATE_SECRET])
{
	r->secret[0] = word_of((const char *)secret, 8);
	r->secret[1] = word_of((const char *)secret + 8, 8);
}

uint64_t
rate_key(const struct rate *r, char use, struct str bytes)
{
	const uint64_t k[2] = { r->secret[0], r->secret[1] ^ (unsigned char)use };
	uint64_t key = siphash(k, bytes);

	return key != 0 ? key : 1;
}

/* ---- buckets ---- */

/*
 * A word: 20 bits of the key, never all 0, and 44 bits of the time at which the bucket is full again. That time
 * is behind now, or ahead by what is missing; they are compared modulo 2^44 us (half a year).
 */
#define TIME_BITS	44
#define TIME_MASK	((UINT64_C(1) << TIME_BITS) - 1)
#define FULL_MAX	(UINT64_C(1) << 42)	/* no bucket takes so long to fill (rate.h) */
#define SLACK_US	1000000	/* between the clocks of two processes that were interrupted; further ahead is garbage */

static uint64_t
bucket_tag(uint64_t key)
{
	uint64_t tag = key & ~TIME_MASK;

	return tag != 0 ? tag : UINT64_C(1) << TIME_BITS;
}

/* Microseconds until the bucket of this word is full; below 1: it is. What is too far ahead is garbage, or more than
 * a hundred days old. */
static int64_t
missing(uint64_t word, int64_t now)
{
	uint64_t ahead = (word - (uint64_t)now) & TIME_MASK;

	return ahead > FULL_MAX + SLACK_US ? (int64_t)(ahead | ~TIME_MASK) : (int64_t)ahead;
}

/* The same of a slot that somebody else may have. One that was never used says nothing of a time: after half a year it
 * would look like any other. */
static int64_t
worth(uint64_t word, int64_t now)
{
	return word == 0 ? INT64_MIN : missing(word, now);
}

/* The slot of the tag, or else the one whose bucket is nearest to full. */
static _Atomic uint64_t *
bucket_of(_Atomic uint64_t *line, uint64_t tag, int64_t now, uint64_t *word)
{
	_Atomic uint64_t *best = line;
	int i;

	*word = atomic_load_explicit(best, memory_order_relaxed);
	for (i = 0; i < RATE_WAYS; i++) {
		uint64_t w = atomic_load_explicit(&line[i], memory_order_relaxed);

		if ((w & ~TIME_MASK) == tag) {
			*word = w;
			return &line[i];
		}
		if (i > 0 && worth(w, now) < worth(*word, now)) {
			*word = w;
			best = &line[i];
		}
	}
	return best;
}

int64_t
rate_take(struct rate *r, uint64_t key, const struct rate_limit *limit, uint32_t n, int64_t now)
{
	_Atomic uint64_t *line = &r->map->buckets[key % (RATE_BUCKETS / RATE_WAYS) * RATE_WAYS], *slot;
	int64_t full = (int64_t)(limit->burst * limit->each_us), lacks;
	int64_t wanted = (int64_t)((n < limit->burst ? n : limit->burst) * limit->each_us);
	uint64_t tag = bucket_tag(key), word;

	do {
		slot = bucket_of(line, tag, now, &word);
		lacks = (word & ~TIME_MASK) == tag ? missing(word, now) : 0;
		if (lacks < 0 || lacks > full + SLACK_US)
			lacks = 0;
		if (lacks + wanted > full)
			return lacks + wanted - full;
	} while (!atomic_compare_exchange_weak_explicit(slot, &word,
	    tag | ((uint64_t)(now + lacks + wanted) & TIME_MASK), memory_order_relaxed, memory_order_relaxed));
	return 0;
}

/* ---- sessions ---- */

/* A word: 24 bits of the key, 8 of the owner, 32 how many; 0: a free slot. */
#define COUNT_MASK	UINT64_C(0xffffffff)
#define OWNER_OF(word)	((unsigned)((word) >> 32 & 0xff))
#define KEY_MASK	(~UINT64_C(0) << 40)

static _Atomic uint64_t *
session_line(struct rate *r, uint64_t key)
{
	return &r->map->sessions[key % (RATE_SESSIONS / RATE_WAYS) * RATE_WAYS];
}

static uint64_t
session_tag(const struct rate *r, uint64_t key)
{
	return (key & KEY_MASK) | (uint64_t)r->owner << 32;
}

/* Frees the slots of the line whose owners are dead. */
static void
bury(struct rate *r, _Atomic uint64_t *line)
{
	int i;

	for (i = 0; i < RATE_WAYS; i++) {
		uint64_t w = atomic_load(&line[i]);

		if (w != 0 && OWNER_OF(w) != r->owner && rate_owner_dead(r, OWNER_OF(w)))
			atomic_compare_exchange_strong(&line[i], &w, 0);
	}
}

/* Our slot of the key: changed by `by`. false: there is none, or nothing in it. */
static bool
change(struct rate *r, uint64_t key, int by)
{
	_Atomic uint64_t *line = session_line(r, key);
	uint64_t tag = session_tag(r, key), w, next;
	int i;

	for (i = 0; i < RATE_WAYS; i++) {
		w = atomic_load(&line[i]);
		while ((w & ~COUNT_MASK) == tag && (w & COUNT_MASK) != 0) {
			next = by < 0 && (w & COUNT_MASK) == 1 ? 0 : by < 0 ? w - 1 : w + 1;
			if (atomic_compare_exchange_weak(&line[i], &w, next))
				return true;
		}
	}
	return false;
}

/* A free slot becomes ours. */
static bool
begin(struct rate *r, uint64_t key)
{
	_Atomic uint64_t *line = session_line(r, key);
	uint64_t none;
	int i;

	for (i = 0; i < RATE_WAYS; i++) {
		none = 0;
		if (atomic_compare_exchange_strong(&line[i], &none, session_tag(r, key) | 1))
			return true;
	}
	return false;
}

static uint64_t
sum(struct rate *r, uint64_t key)
{
	_Atomic uint64_t *line = session_line(r, key);
	uint64_t n = 0, w;
	int i;

	for (i = 0; i < RATE_WAYS; i++) {
		w = atomic_load(&line[i]);
		if (w != 0 && (w & KEY_MASK) == (key & KEY_MASK))
			n += w & COUNT_MASK;
	}
	return n;
}

/* Without a number, or a slot, it is not counted. */
void
rate_enter_again(struct rate *r, uint64_t key)
{
	if (r->owner == 0)
		r->owner = rate_own(r);
	if (r->owner == 0 || change(r, key, 1) || begin(r, key))
		return;
	bury(r, session_line(r, key));
	begin(r, key);
}

/* Entered first and counted then: two processes at the limit may both be refused, but never both let in. */
bool
rate_enter(struct rate *r, uint64_t key, uint32_t most)
{
	rate_enter_again(r, key);
	if (sum(r, key) <= most)
		return true;
	bury(r, session_line(r, key));
	if (sum(r, key) <= most)
		return true;
	rate_leave(r, key);
	return false;
}

void
rate_leave(struct rate *r, uint64_t key)
{
	if (r->owner != 0)
		change(r, key, -1);
}

uint32_t
rate_sessions(struct rate *r, uint64_t key)
{
	uint64_t n;

	bury(r, session_line(r, key));
	n = sum(r, key);
	return n < UINT32_MAX ? (uint32_t)n : UINT32_MAX;
}
