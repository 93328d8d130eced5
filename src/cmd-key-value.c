/* cmd-key-value - see cmd-key.h. */
#include "config.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "cmd-key.h"
#include "origin.h"
#include "rate.h"
#include "str.h"

#define PEERS_MAX	10000000
#define DAY_MS		86400000LL
#define YEARS_MS	(100 * 366 * DAY_MS)
#define BURST_LEAST	32	/* a connection takes about so many messages at once */

/* ---- times ---- */

const char *
key_duration(const char *text, int64_t *ms)
{
	static const char wrong[] = "a duration is a number and s, m, h, d or w, as in 30d";
	static const struct { char unit; int64_t ms; } units[] = {
		{ 's', 1000 }, { 'm', 60000 }, { 'h', 3600000 }, { 'd', DAY_MS }, { 'w', 7 * DAY_MS },
	};
	struct str s = str_from(text);
	uint64_t n;
	size_t i;

	if (s.n < 2 || str_uint(str_make(s.p, s.n - 1), INT64_MAX, &n) < 0 || n == 0)
		return wrong;
	for (i = 0; i < sizeof units / sizeof units[0]; i++)
		if (s.p[s.n - 1] == units[i].unit) {
			if (n > (uint64_t)(YEARS_MS / units[i].ms))
				return "that is longer than a hundred years";
			*ms = (int64_t)n * units[i].ms;
			return NULL;
		}
	return wrong;
}

/* 2027-01-31, the beginning of that day, or 2027-01-31T18:00:00Z. */
static bool
read_date(const char *text, int64_t *ms)
{
	struct tm tm = { 0 }, same;
	const char *end = strptime(text, "%Y-%m-%d", &tm);
	time_t t;

	if (end != NULL && *end == 'T')
		end = strptime(text, "%Y-%m-%dT%H:%M:%SZ", &tm);
	if (end == NULL || *end != '\0' || end - text < 10)
		return false;
	same = tm;
	t = timegm(&same);
	*ms = (int64_t)t * 1000;
	return same.tm_mday == tm.tm_mday && same.tm_mon == tm.tm_mon;	/* there is no 30th of February */
}

static const char *
set_expires(const char *text, int64_t now, struct realm_key *k)
{
	int64_t ms;

	if (strcmp(text, "never") == 0) {
		k->expires = 0;
		return NULL;
	}
	if (read_date(text, &ms)) {
		if (ms <= now)
			return "that time is over; sigpost key disable turns a key off";
		k->expires = ms;
		return NULL;
	}
	if (key_duration(text, &ms) != NULL)
		return "--expires is a date as 2027-01-31 or 2027-01-31T18:00:00Z (UTC), a duration as 30d, or never";
	k->expires = now + ms;
	return NULL;
}

/* ---- limits ---- */

static const char *
set_peers(const char *text, struct realm_key *k)
{
	uint64_t n;

	if (strcmp(text, "default") == 0)
		n = 0;
	else if (str_uint(str_from(text), PEERS_MAX, &n) < 0 || n == 0)
		return "--peers is a number from 1 to 10000000, or default: the setting max_peers";
	k->max_peers = (int64_t)n;
	return NULL;
}

/* "10/s" */
static const char *
set_rate(const char *text, struct realm_key *k)
{
	struct str n, unit;
	uint64_t v;

	if (strcmp(text, "none") == 0) {
		k->rate = k->burst = 0;
		k->rate_ms = 1000;
		return NULL;
	}
	if (!str_cut(str_from(text), '/', &n, &unit) || unit.n != 1 || strchr("smh", unit.p[0]) == NULL ||
	    str_uint(n, RATE_COUNT_MAX, &v) < 0 || v == 0)
		return "--rate is a number from 1 to 1000000 and /s, /m or /h, as in 10/s; or none";
	k->rate = (int64_t)v;
	k->rate_ms = unit.p[0] == 's' ? 1000 : unit.p[0] == 'm' ? 60000 : 3600000;
	k->burst = k->rate > BURST_LEAST ? k->rate : BURST_LEAST;
	return NULL;
}

static const char *
set_burst(const char *text, struct realm_key *k)
{
	uint64_t n;

	if (str_uint(str_from(text), RATE_COUNT_MAX, &n) < 0 || n == 0)
		return "--burst is a number from 1 to 1000000";
	if (k->rate == 0)
		return "--burst goes with a rate: say --rate, too";
	k->burst = (int64_t)n;
	return NULL;
}

/* How long an empty bucket takes to fill has a limit (rate.h). */
static const char *
check_rate(const struct realm_key *k)
{
	if (k->rate != 0 && k->burst * (k->rate_ms * 1000 / k->rate + 1) >= INT64_C(1) << 42)
		return "at this rate, so many at once would take longer than 50 days to be had again: say less with --burst";
	return NULL;
}

/* ---- the rest ---- */

static const char *
set_discovery(const char *text, struct realm_key *k)
{
	if (strcmp(text, "on") != 0 && strcmp(text, "off") != 0)
		return "--discovery is on or off";
	k->discovery = text[1] == 'n';
	return NULL;
}

static const char *
set_origins(const char *text, struct realm_key *k)
{
	const char *why = NULL;

	if (strcmp(text, "default") == 0)
		text = "";
	else if (strlen(text) >= sizeof k->origins)
		why = "a list of origins has 2047 bytes at most";
	else
		why = origins_wrong(str_from(text));
	if (why == NULL)
		snprintf(k->origins, sizeof k->origins, "%s", text);
	return why;
}

/* sigver has nothing to list, and counts nobody. */
static const char *
unfit(const struct key_wish *w, const struct realm_key *k)
{
	if (strcmp(k->name, KEY_SIGVER) == 0 && w->discovery != NULL)
		return "sigver tells nobody who is there: there is no discovery to be set";
	if (strcmp(k->name, KEY_SIGVER) == 0 && w->peers != NULL)
		return "peers of sigver are not counted: there is no limit to be set";
	return NULL;
}

const char *
key_apply(const struct key_wish *w, int64_t now, struct realm_key *k)
{
	const char *why = unfit(w, k);

	if (why == NULL && w->discovery != NULL)
		why = set_discovery(w->discovery, k);
	if (why == NULL && w->peers != NULL)
		why = set_peers(w->peers, k);
	if (why == NULL && w->rate != NULL)
		why = set_rate(w->rate, k);
	if (why == NULL && w->burst != NULL)
		why = set_burst(w->burst, k);
	if (why == NULL && w->origins != NULL)
		why = set_origins(w->origins, k);
	if (why == NULL && w->expires != NULL)
		why = set_expires(w->expires, now, k);
	return why != NULL ? why : check_rate(k);
}
