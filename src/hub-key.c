/*
 * hub-key - see hub-key.h.
 *
 * Costs: a search among sorted names for each request; a number read before a GET, 200 times a second at most, and four
 * times a second while others write. All keys are read again when one has changed, and all streams are looked at.
 */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "hub-private.h"
#include "log.h"

/* ---- reading ---- */

static void
forget(struct keys *k)
{
	uint32_t i;

	for (i = 0; i < k->count; i++)
		free(k->list[i].origins);
	free(k->list);
	free(k->by_id);
	*k = (struct keys){ .next = INT64_MAX };
}

static bool
make_room(struct keys *k)
{
	uint32_t room = k->room == 0 ? 16 : k->room * 2;
	struct key *list;

	if (k->count < k->room)
		return true;
	list = realloc(k->list, room * sizeof *list);
	if (list == NULL)
		return false;
	k->list = list;
	k->room = room;
	return true;
}

static int
add(void *arg, const struct realm_key *row)
{
	struct keys *k = arg;
	struct key *key;

	k->short_of = true;
	if (!make_room(k))
		return 1;
	key = &k->list[k->count];
	*key = (struct key){
		.id = row->id, .enabled = row->enabled, .discovery = row->discovery, .expires = row->expires,
		.max_peers = row->max_peers, .rate = row->rate, .rate_ms = row->rate_ms, .burst = row->burst,
		.origins = strdup(row->origins),
	};
	if (key->origins == NULL)
		return 1;
	memcpy(key->name, row->name, sizeof key->name);
	memcpy(key->realm, row->realm, sizeof key->realm);
	k->count++;
	k->short_of = false;
	return 0;
}

static const struct key *sorted;	/* what by_id compares */

static int
compare_ids(const void *a, const void *b)
{
	const struct key *x = &sorted[*(const uint32_t *)a], *y = &sorted[*(const uint32_t *)b];

	return x->id < y->id ? -1 : x->id > y->id;
}

static bool
sort_ids(struct keys *k)
{
	uint32_t i;

	k->by_id = malloc((k->count + 1) * sizeof *k->by_id);
	if (k->by_id == NULL)
		return false;
	for (i = 0; i < k->count; i++)
		k->by_id[i] = i;
	sorted = k->list;
	qsort(k->by_id, k->count, sizeof *k->by_id, compare_ids);
	return true;
}

static const struct key *
find(const struct keys *k, struct str name)
{
	uint32_t from = 0, to = k->count, middle;
	struct str at;
	size_t n;
	int order;

	while (from < to) {
		middle = from + (to - from) / 2;
		at = str_from(k->list[middle].name);
		n = at.n < name.n ? at.n : name.n;
		order = n == 0 ? 0 : memcmp(at.p, name.p, n);
		if (order == 0 && at.n == name.n)
			return &k->list[middle];
		if (order < 0 || (order == 0 && at.n < name.n))
			from = middle + 1;
		else
			to = middle;
	}
	return NULL;
}

/* When the next one expires. */
static void
set_next(struct hub *hub)
{
	struct keys *k = &hub->keys;
	int64_t now = loop_real(hub->loop);
	uint32_t i;

	k->next = INT64_MAX;
	k->next_set = now;
	for (i = 0; i < k->count; i++)
		if (k->list[i].expires > now && k->list[i].expires < k->next)
			k->next = k->list[i].expires;
}

/* What cannot be read leaves what was there, and is tried again. */
static int
read_all(struct hub *hub, int64_t version)
{
	struct keys new = { .version = version, .asked = hub->keys.asked }, old = hub->keys;
	const struct key *star;
	int rc = store_key_list(hub->store, add, &new);

	if (rc < 0 || new.short_of || !sort_ids(&new)) {
		forget(&new);
		hub->keys.look = true;
		return rc < 0 ? rc : -ERR_NOMEM;
	}
	star = find(&new, STR(KEY_STAR));
	new.quiet = star != NULL && !star->discovery;
	hub->keys = new;
	hub->keys.again = true;		/* look at the streams */
	set_next(hub);
	forget(&old);
	return 0;
}

/* 0, or an error of the store: then what is in memory is all there is. */
static int
refresh(struct hub *hub)
{
	int64_t version;
	int rc = hub->store == NULL ? -ERR_IO : store_key_version(hub->store, &version);

	if (rc < 0)
		return rc;
	hub->keys.look = false;
	hub->keys.asked = loop_mono(hub->loop);
	return version == hub->keys.version ? 0 : read_all(hub, version);
}

int
hub_keys_read(struct hub *hub)
{
	forget(&hub->keys);
	return refresh(hub);
}

void
hub_keys_release(struct hub *hub)
{
	forget(&hub->keys);
}

/* ---- asking ---- */

const struct key *
hub_key(struct hub *hub, struct str name)
{
	const struct key *k = find(&hub->keys, name);

	if (k != NULL || refresh(hub) < 0)
		return k;
	return find(&hub->keys, name);
}

enum req_bar
hub_key_bar(struct hub *hub, const struct key *k)
{
	if (k == NULL)
		return BAR_UNKNOWN;
	if (!k->enabled)
		return BAR_OFF;
	return k->expires != 0 && k->expires <= loop_real(hub->loop) ? BAR_EXPIRED : BAR_NONE;
}

struct str
hub_key_enter(struct hub *hub, struct req *r, struct str name)
{
	const struct key *k;

	if (r->method == M_GET && loop_mono(hub->loop) - hub->keys.asked >= HUB_KEY_FRESH_MS)
		refresh(hub);
	k = hub_key(hub, name);
	r->key = k == NULL ? 0 : k->id;
	r->bar = hub_key_bar(hub, k);
	return str_from(k != NULL && k->origins[0] != '\0' ? k->origins : hub->conf->origins);
}

/* ---- numbers ---- */

static const struct key *
by_id(const struct keys *k, int64_t id)
{
	uint32_t from = 0, to = k->count, middle;

	while (from < to) {
		middle = from + (to - from) / 2;
		if (k->list[k->by_id[middle]].id < id)
			from = middle + 1;
		else
			to = middle;
	}
	return from < k->count && k->list[k->by_id[from]].id == id ? &k->list[k->by_id[from]] : NULL;
}

/* What is read of the store is trusted no further than it would go wrong. */
static struct rate_limit
limit_of(const struct key *k)
{
	int64_t us = k->rate_ms > 0 && k->rate_ms < INT64_MAX / 1000 ? k->rate_ms * 1000 / k->rate : 1;

	return (struct rate_limit){
		.each_us = us > 0 ? (uint64_t)us : 1,
		.burst = k->burst > 0 && k->burst <= RATE_COUNT_MAX ? (uint32_t)k->burst : 1,
	};
}

bool
hub_key_spend(struct hub *hub, struct req *r, int64_t id)
{
	const struct key *k = id == 0 ? NULL : by_id(&hub->keys, id);
	struct rate_limit limit;
	uint64_t bucket;
	int64_t wait;

	if (k == NULL || k->rate <= 0 || r->spent++ < r->paid)
		return true;
	limit = limit_of(k);
	bucket = rate_key(&hub->rate, 'k', str_make((const char *)&id, sizeof id));
	wait = rate_take(&hub->rate, bucket, &limit, 1, loop_mono(hub->loop) * 1000);
	if (wait == 0)
		r->paid++;
	else
		r->retry_after = (uint32_t)((wait + 999999) / 1000000);
	return wait == 0;
}

/* ---- streams whose key serves no more ---- */

static void
end_if_barred(struct hub *hub, struct stream *s)
{
	struct wire_end end = { .final = true };
	const struct key *k;
	enum req_bar bar;

	if (s->key == 0 || s->conn == NULL || s->ended)
		return;
	k = by_id(&hub->keys, s->key);
	bar = k != NULL ? hub_key_bar(hub, k) : BAR_REMOVED;
	if (bar == BAR_NONE)
		return;
	if (s->opener != NULL) {	/* its turn is not committed */
		hub->keys.again = true;
		return;
	}
	if (hub->barred != NULL)
		hub->barred(s, k != NULL ? k->name : "", bar, &end);
	hub_stop_stream(hub, s, &end);
}

void
hub_keys_tick(struct hub *hub)
{
	int64_t now = loop_real(hub->loop);

	if (hub->keys.look)
		refresh(hub);
	if (now >= hub->keys.next || now < hub->keys.next_set) {	/* or the clock was set back: some serve again */
		hub->keys.again = true;
		set_next(hub);
	}
	if (!hub->keys.again)
		return;
	hub->keys.again = false;
	hub->idle_since = loop_mono(hub->loop);		/* what a key left is swept */
	hub_each_stream(hub, end_if_barred);
}
