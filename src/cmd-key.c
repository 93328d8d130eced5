/*
 * sigpost key - what those may who come with an API key.
 *
 *	sigpost key list | show NAME
 *	sigpost key add NAME [OPTION ...]
 *	sigpost key set NAME OPTION ...
 *	sigpost key enable | disable NAME
 *	sigpost key rotate NAME [NEW] [--keep DURATION]
 *	sigpost key remove NAME [--force]
 *
 * Works beside running servers; how soon they know is said in hub-key.h. Asks nothing, so scripts may use it.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <uuid/uuid.h>

#include "cmd-db.h"
#include "cmd-key.h"
#include "cmd.h"
#include "err.h"

_Static_assert(KEY_MAX == 59, "a sentence below says so");

static int
complain(const char *what, const char *why)
{
	fprintf(stderr, "sigpost key: %s%s%s\n", what, what[0] != '\0' ? ": " : "", why);
	return CMD_FAILED;
}

static int
complain_usage(const char *why)
{
	fprintf(stderr, "sigpost key: %s\n"
	    "usage: sigpost key list | show NAME | add NAME [OPTION ...] | set NAME OPTION ... | enable NAME | disable NAME |\n"
	    "       rotate NAME [NEW] [--keep 7d] | remove NAME [--force]\n"
	    "options: --discovery on|off  --peers N  --rate N/s|N/m|N/h|none  --burst N  --origins LIST\n"
	    "         --expires 2027-01-31|30d|never; all: --json\n", why);
	return CMD_USAGE;
}

static int
complain_store(int rc, const char *why)
{
	if (why == NULL || why[0] == '\0')
		why = rc == -ERR_FULL ? "the disk or the database is full, nothing was changed" :
		    "the database stayed locked or cannot be read, try again";
	return complain("", why);
}

static int64_t
clock_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

/* ---- names ---- */

static bool
is_protocol(const char *name)
{
	return strcmp(name, KEY_SIGVER) == 0 || strcmp(name, KEY_STAR) == 0;
}

/* What would stand in the way of an address, and what no line of a terminal should hold. */
const char *
cmd_key_unfit(const char *name)
{
	static const char *const reserved[] = {
		"www", "star", "sigver", "socket.io", "socket.io-next", "metrics", "health",
	};
	struct str s = str_from(name);
	size_t i;

	if (s.n == 0 || s.n >= KEY_MAX)
		return "a key has 1 to 58 bytes";
	if (!str_printable(s) || memchr(s.p, '/', s.n) != NULL)
		return "a key has no slash and no control character";
	for (i = 0; i < sizeof reserved / sizeof reserved[0]; i++)
		if (strcmp(name, reserved[i]) == 0)
			return "that is an address of sigpost itself, take another name";
	return NULL;
}

/* ---- one turn ---- */

struct change {
	struct store		*s;
	const struct key_wish	*w;
	int64_t			 now;
	struct realm_key	 k;
};

/* 0 and c->k, inside a turn; or complained, and there is none. */
static int
begin(struct change *c)
{
	int rc = cmd_db_begin(c->s);

	if (rc == 0)
		rc = store_key_get(c->s, str_from(c->w->name), &c->k);
	if (rc == 0)
		return CMD_OK;
	store_rollback(c->s);
	return rc == -ERR_NOTFOUND ? complain(c->w->name, "there is no such key; sigpost key list shows all") :
	    complain_store(rc, NULL);
}

/* rc of the last thing done in the turn. */
static int
finish(struct change *c, int rc)
{
	if (rc == 0)
		rc = store_commit(c->s);
	if (rc == 0)
		return CMD_OK;
	store_rollback(c->s);
	return complain_store(rc, NULL);
}

static int
give_up(struct change *c, const char *what, const char *why)
{
	store_rollback(c->s);
	return complain(what, why);
}

/* ---- verbs: an open store in, an exit code out ---- */

static int
list(struct change *c)
{
	int rc = key_show_list(c->s, c->now, c->w->json);

	return rc < 0 ? complain_store(rc, NULL) : CMD_OK;
}

static int
tell(struct change *c, const char *name, const char *old)
{
	int rc = store_key_get(c->s, str_from(name), &c->k);

	if (rc == 0 && strcmp(name, KEY_STAR) == 0)
		rc = store_claim_total(c->s, STAR_REALM, &c->k.peers);
	if (rc == -ERR_NOTFOUND)
		return complain(name, "there is no such key; sigpost key list shows all");
	if (rc < 0)
		return complain_store(rc, NULL);
	key_show_one(&c->k, c->now, c->w->json, old);
	return CMD_OK;
}

static int
show(struct change *c)
{
	return tell(c, c->w->name, NULL);
}

static int
add(struct change *c)
{
	int rc = cmd_db_begin(c->s);

	if (rc == 0)
		rc = store_key_get(c->s, str_from(c->w->name), &c->k);
	if (rc == 0)
		return give_up(c, c->w->name, "it is there already; sigpost key set changes it");
	if (rc != -ERR_NOTFOUND)
		return finish(c, rc);
	c->k = (struct realm_key){ .enabled = true, .rate_ms = 1000 };
	snprintf(c->k.name, sizeof c->k.name, "%s", c->w->name);
	key_apply(c->w, c->now, &c->k);		/* which was tried before */
	rc = finish(c, store_key_put(c->s, &c->k));
	return rc == CMD_OK ? show(c) : rc;
}

static int
set(struct change *c)
{
	int rc = begin(c);
	const char *why = rc == CMD_OK ? key_apply(c->w, c->now, &c->k) : NULL;

	if (rc != CMD_OK)
		return rc;
	if (why != NULL)
		return give_up(c, c->w->name, why);
	rc = finish(c, store_key_put(c->s, &c->k));
	return rc == CMD_OK ? show(c) : rc;
}

static int
turn(struct change *c, bool on)
{
	int rc = begin(c);

	if (rc != CMD_OK)
		return rc;
	c->k.enabled = on;
	rc = finish(c, store_key_put(c->s, &c->k));
	return rc == CMD_OK ? show(c) : rc;
}

static int
enable(struct change *c)
{
	return turn(c, true);
}

static int
disable(struct change *c)
{
	return turn(c, false);
}

/* ---- rotate, remove ---- */

/* The old one goes, or stays until then; it never lives longer for it. */
static int
retire(struct change *c)
{
	struct realm_key old = c->k;
	int64_t ms;

	if (c->w->keep == NULL)
		return store_key_drop(c->s, str_from(old.name));
	key_duration(c->w->keep, &ms);		/* which was tried before */
	if (old.expires == 0 || old.expires > c->now + ms)
		old.expires = c->now + ms;
	return store_key_put(c->s, &old);
}

static int
rotate(struct change *c)
{
	struct realm_key new, there;
	char name[UUID_STR_LEN];
	uuid_t random;
	int rc = begin(c);

	if (rc != CMD_OK)
		return rc;
	uuid_generate_random(random);
	uuid_unparse_lower(random, name);
	new = c->k;			/* the realm, too: its peers meet those of the old one */
	snprintf(new.name, sizeof new.name, "%s", c->w->new_name != NULL ? c->w->new_name : name);
	if (store_key_get(c->s, str_from(new.name), &there) == 0)
		return give_up(c, new.name, "there is such a key already");
	rc = store_key_put(c->s, &new);
	if (rc == 0)
		rc = retire(c);
	rc = finish(c, rc);
	return rc == CMD_OK ? tell(c, new.name, c->w->name) : rc;
}

struct realm_count {		/* how many keys lead there */
	const char	*realm;
	int		 n;
};

static int
count_realm(void *arg, const struct realm_key *k)
{
	struct realm_count *count = arg;

	count->n += strcmp(k->realm, count->realm) == 0;
	return 0;
}

static int
remove_key(struct change *c)
{
	struct realm_count count = { c->k.realm, 0 };
	char why[128];
	int rc = begin(c);

	if (rc != CMD_OK)
		return rc;
	rc = store_key_list(c->s, count_realm, &count);
	if (rc == 0 && count.n == 1 && c->k.peers > 0 && !c->w->force) {
		snprintf(why, sizeof why, "%" PRId64 " %s there; --force removes it all the same", c->k.peers,
		    c->k.peers == 1 ? "peer is" : "peers are");
		return give_up(c, c->w->name, why);
	}
	rc = finish(c, rc == 0 ? store_key_drop(c->s, str_from(c->w->name)) : rc);
	if (rc != CMD_OK)
		return rc;
	if (c->w->json)
		key_show_one(&c->k, c->now, true, NULL);
	else
		printf("%s was removed\n", c->w->name);
	return CMD_OK;
}

/* ---- the command line ---- */

static const struct verb {
	const char	*name;
	bool		 takes_name, takes_options, needs_options, peers_only;
	int		(*run)(struct change *c);
} verbs[] = {
	{ "list", false, false, false, false, list },
	{ "show", true, false, false, false, show },
	{ "add", true, true, false, true, add },
	{ "set", true, true, true, false, set },
	{ "enable", true, false, false, false, enable },
	{ "disable", true, false, false, false, disable },
	{ "rotate", true, false, false, true, rotate },
	{ "remove", true, false, false, true, remove_key },
};

static const struct verb *
find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		if (name != NULL && strcmp(name, verbs[i].name) == 0)
			return &verbs[i];
	return NULL;
}

static bool
has_options(const struct key_wish *w)
{
	return w->discovery != NULL || w->peers != NULL || w->rate != NULL || w->burst != NULL || w->origins != NULL ||
	    w->expires != NULL;
}

static const char *
wrong_name(const struct verb *v, const struct key_wish *w)
{
	if (!v->takes_name)
		return NULL;
	if (is_protocol(w->name))
		return v->peers_only ? "sigver and star stand for their protocols: their keys are there, can be set, enabled and disabled" : NULL;
	if (cmd_key_unfit(w->name) != NULL)
		return cmd_key_unfit(w->name);
	return w->new_name != NULL ? cmd_key_unfit(w->new_name) : NULL;
}

static const char *
wrong(const struct verb *v, const struct key_wish *w)
{
	struct realm_key any = { .rate = 1, .rate_ms = 1000 };	/* what is there is looked at later */
	const char *why = wrong_name(v, w);
	int64_t ms;

	if (why != NULL)
		return why;
	if (has_options(w) && !v->takes_options)
		return "options that say what a key allows go with add and set";
	if (!has_options(w) && v->needs_options)
		return "say what to set, such as --expires 30d";
	if (w->keep != NULL && v->run != rotate)
		return "--keep goes with rotate";
	if (w->force && v->run != remove_key)
		return "--force goes with remove";
	if (w->keep != NULL)
		return key_duration(w->keep, &ms);
	snprintf(any.name, sizeof any.name, "%s", w->name != NULL ? w->name : "");
	if (v->run == add)
		any.rate = 0;
	return key_apply(w, clock_ms(), &any);
}

/* What stands before the options; how many. */
static int
read_names(const struct verb *v, char **argv, struct key_wish *w)
{
	if (!v->takes_name)
		return 1;
	w->name = argv[2];
	if (v->run != rotate || argv[3] == NULL || strncmp(argv[3], "--", 2) == 0)
		return 2;
	w->new_name = argv[3];
	return 3;
}

int
cmd_key(int argc, char **argv)
{
	static struct conf c;
	struct key_wish w = { .name = NULL };
	const struct cmd_option own[] = {
		{ "discovery", &w.discovery, NULL }, { "peers", &w.peers, NULL }, { "rate", &w.rate, NULL },
		{ "burst", &w.burst, NULL }, { "origins", &w.origins, NULL }, { "expires", &w.expires, NULL },
		{ "keep", &w.keep, NULL }, { "force", NULL, &w.force }, { "json", NULL, &w.json }, { NULL, NULL, NULL },
	};
	const struct verb *v = find(argv[1]);
	struct change change = { .w = &w, .now = clock_ms() };
	const char *why = NULL;
	int rc, used;

	if (v == NULL)
		return complain_usage(argv[1] == NULL ? "what about the keys?" : "there is no such verb");
	if (v->takes_name && argv[2] == NULL)
		return complain_usage("the name of a key is missing");
	used = read_names(v, argv, &w);
	if (cmd_settings(&c, argc - used, argv + used, own) != 0)
		return CMD_USAGE;
	why = wrong(v, &w);
	if (why != NULL)
		return complain("", why), CMD_USAGE;
	rc = cmd_db_open(&c, false, &change.s, &why);
	if (rc < 0)
		return complain_store(rc, why);
	rc = v->run(&change);
	store_close(change.s);
	return rc;
}
