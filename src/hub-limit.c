/*
 * hub-limit - how many requests, and open streams, one address may have, in all processes together.
 *
 * Nothing is written to the store for it: rate.h. Whoever comes without an address, and whatever a proxy that is
 * not in trusted_proxies hands on, counts as one.
 */
#include "config.h"

#include <string.h>

#include "err.h"
#include "hub-private.h"
#include "log.h"
#include "token.h"

#define CGI_KEY		UINT64_C(0x6367692d73747265)	/* one for all, whatever the secret */
#define BRIEF_MS	300	/* a poll without a hub, above cgi_streams */
#define RECOUNT_LOOKS	64	/* about a minute: so long garbage in the file may last */

int
hub_limit_init(struct hub *hub)
{
	const struct conf *c = hub->conf;
	struct str wrong;
	int rc = addr_list_parse(str_from(c->trusted_proxies), &hub->proxies, &wrong);

	if (rc < 0)
		return rc;
	hub->forwarded = strcmp(c->forwarded_header, "forwarded") == 0;
	hub->address_limit = (struct rate_limit){
		.each_us = c->address_requests > 0 ? 1000000 / (uint64_t)c->address_requests : 1,
		.burst = (uint32_t)c->address_burst,
	};
	rc = rate_init(&hub->rate, c->db);
	if (rc == 0 && hub->rate.why != NULL)
		LOG(LOG_WARN, "limits of addresses hold for this process alone", LOG_Z("file", hub->rate.path),
		    LOG_Z("why", hub->rate.why));
	return rc;
}

void
hub_limit_secret(struct hub *hub)
{
	unsigned char hash[HASH_SIZE];

	token_hash(hub->store, "rate", STR_NONE, hash);
	rate_secret(&hub->rate, hash);
}

static uint64_t
key_of(struct hub *hub, const struct req *r)
{
	struct addr a = req_subject(r, &hub->proxies, hub->forwarded);

	return rate_key(&hub->rate, 'a', addr_subject(&a));
}

int
hub_admit(struct hub *hub, struct req *r)
{
	int64_t wait;

	if (r->admitted)
		return 0;
	if (r->who == 0)
		r->who = key_of(hub, r);
	wait = hub->conf->address_requests == 0 || r->goodbye ? 0 :
	    rate_take(&hub->rate, r->who, &hub->address_limit, 1, loop_mono(hub->loop) * 1000);
	r->retry_after = (uint32_t)((wait + 999999) / 1000000);
	r->admitted = wait == 0;
	return r->admitted ? 0 : -ERR_RATE;
}

/* ---- sessions ---- */

/* A stream in place of one that this address has is no more than it had. */
int
hub_limit_enter(struct hub *hub, const struct req *r, int64_t box)
{
	const struct stream *old = box != 0 ? hub_stream(hub, box) : NULL;

	if (hub->conf->address_sessions == 0)
		return 0;
	if (old != NULL && old->who == r->who)
		rate_enter_again(&hub->rate, r->who);
	else if (!rate_enter(&hub->rate, r->who, (uint32_t)hub->conf->address_sessions))
		return -ERR_CROWD;
	return 0;
}

uint32_t
hub_lifetime(int64_t ms)
{
	return (uint32_t)ms - loop_jitter((uint32_t)ms / 5 + 1);
}

/* Without a hub a poll takes a process as a stream does: it counts as one, and above the limit is held so briefly
 * that its client leaves the host more time than it takes. */
int
hub_limit_cgi(struct hub *hub, struct stream *s)
{
	const struct stream *old = hub_stream(hub, s->box);
	uint32_t most = (uint32_t)hub->conf->cgi_streams;

	if (!s->conn->gate->costly || s->wire->duplex || (s->wire->once && !hub->alone))
		return 0;
	if (old != NULL && old->costly)
		rate_enter_again(&hub->rate, CGI_KEY);
	else if (most == 0 || !rate_enter(&hub->rate, CGI_KEY, most)) {
		s->life_ms = BRIEF_MS;
		return s->wire->once ? 0 : -ERR_STREAMS;
	}
	s->costly = true;
	if (!s->wire->once && hub->conf->cgi_lifetime_ms < hub->conf->lifetime_ms)
		s->life_ms = hub_lifetime(hub->conf->cgi_lifetime_ms);
	return 0;
}

void
hub_limit_leave(struct hub *hub, struct stream *s)
{
	if (s->costly)
		rate_leave(&hub->rate, CGI_KEY);
	s->costly = false;
	if (s->who != 0 && hub->conf->address_sessions > 0)
		rate_leave(&hub->rate, s->who);
	s->who = 0;
}

bool
hub_limit_hold(struct hub *hub, struct req *r)
{
	if (hub->conf->address_sessions == 0)
		return true;
	if (!rate_enter(&hub->rate, r->who, (uint32_t)hub->conf->address_sessions))
		return false;
	r->session = &hub->rate;
	return true;
}

static void
enter_again(struct hub *hub, struct stream *s)
{
	if (s->who != 0 && hub->conf->address_sessions > 0)
		rate_enter_again(&hub->rate, s->who);
	if (s->costly)
		rate_enter_again(&hub->rate, CGI_KEY);
}

static void
all_enter_again(struct hub *hub)
{
	struct list *l;
	struct req *r;

	hub_each_stream(hub, enter_again);
	for (l = hub->silent.next; l != &hub->silent; l = l->next) {
		r = LIST_OF(l, struct req, parked);
		if (r->session != NULL)
			rate_enter_again(&hub->rate, r->who);
	}
}

void
hub_limit_look(struct hub *hub)
{
	bool anew = rate_look(&hub->rate);

	if (anew)
		LOG(LOG_WARN, "the file of limits went away and was made anew", LOG_Z("file", hub->rate.path));
	if (++hub->rate_looks % RECOUNT_LOOKS != 0 && !anew)
		return;
	rate_recount(&hub->rate);
	all_enter_again(hub);
}
