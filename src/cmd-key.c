/*
 * sigpost key - the API keys of PeerJS clients.
 *
 *	sigpost key list [--json]
 *	sigpost key add NAME [--discovery on|off]
 *	sigpost key set NAME --discovery on|off
 *	sigpost key show NAME [--json]
 *
 * Works beside running servers; a change counts from the next request on.
 */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <json-c/json.h>

#include "cmd-db.h"
#include "cmd.h"
#include "err.h"

_Static_assert(KEY_MAX == 59, "a sentence below says so");

struct wish {			/* what the command line says */
	const char	*name;		/* NULL: none */
	const char	*discovery;	/* "on", "off", NULL */
	bool		 json;
};

static int
complain(const char *what, const char *why)
{
	fprintf(stderr, "sigpost key: %s%s%s\n", what, what[0] != '\0' ? ": " : "", why);
	return CMD_FAILED;
}

static int
complain_usage(const char *why)
{
	fprintf(stderr, "sigpost key: %s\nusage: sigpost key list | show NAME | add NAME [--discovery on|off] | "
	    "set NAME --discovery on|off\n", why);
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

/* ---- names ---- */

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

/* ---- showing ---- */

static struct json_object *
to_json(const struct realm_key *k)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "key", json_object_new_string(k->name));
	json_object_object_add(o, "discovery", json_object_new_boolean(k->discovery));
	json_object_object_add(o, "peers", json_object_new_int64(k->peers));
	return o;
}

static void
print_json(struct json_object *o)
{
	printf("%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
}

static void
print_head(void)
{
	printf("%-24s %-9s %8s\n", "key", "discovery", "peers");
}

static int
print_row(void *arg, const struct realm_key *k)
{
	(void)arg;
	if (k->realm[0] == '\0')
		return 0;
	printf("%-24s %-9s %8" PRId64 "\n", k->name, k->discovery ? "on" : "off", k->peers);
	return 0;
}

static int
add_row(void *arg, const struct realm_key *k)
{
	if (k->realm[0] != '\0')
		json_object_array_add(arg, to_json(k));
	return 0;
}

/* ---- verbs: an open store in, an exit code out ---- */

static int
list(struct store *s, const struct wish *w)
{
	struct json_object *all;
	int rc;

	if (!w->json) {
		print_head();
		rc = store_key_list(s, print_row, NULL);
		return rc < 0 ? complain_store(rc, NULL) : CMD_OK;
	}
	all = json_object_new_array();
	rc = store_key_list(s, add_row, all);
	print_json(all);
	return rc < 0 ? complain_store(rc, NULL) : CMD_OK;
}

static int
show(struct store *s, const struct wish *w)
{
	struct realm_key k;
	int rc = store_key_get(s, str_from(w->name), &k);

	if (rc == -ERR_NOTFOUND)
		return complain(w->name, "there is no such key; sigpost key list shows all");
	if (rc < 0)
		return complain_store(rc, NULL);
	if (w->json)
		print_json(to_json(&k));
	else {
		print_head();
		print_row(NULL, &k);
	}
	return CMD_OK;
}

static int
change(struct store *s, const struct wish *w, bool add)
{
	struct realm_key k;
	int rc = cmd_db_begin(s);

	if (rc == 0)
		rc = store_key_get(s, str_from(w->name), &k);
	if (rc != 0 && rc != -ERR_NOTFOUND)
		return complain_store(rc, NULL);
	if (add == (rc == 0)) {
		store_rollback(s);
		return complain(w->name, add ? "it is there already; sigpost key set changes it" :
		    "there is no such key; sigpost key add makes it");
	}
	rc = store_key_set(s, str_from(w->name), w->discovery != NULL && strcmp(w->discovery, "on") == 0);
	if (rc == 0)
		rc = store_commit(s);
	if (rc < 0) {
		store_rollback(s);
		return complain_store(rc, NULL);
	}
	return show(s, w);
}

static int
add(struct store *s, const struct wish *w)
{
	return change(s, w, true);
}

static int
set(struct store *s, const struct wish *w)
{
	return change(s, w, false);
}

static const struct verb {
	const char	*name;
	bool		 takes_name, takes_discovery, needs_discovery;
	int		(*run)(struct store *s, const struct wish *w);
} verbs[] = {
	{ "list", false, false, false, list },
	{ "show", true, false, false, show },
	{ "add", true, true, false, add },
	{ "set", true, true, true, set },
};

/* ---- the command line ---- */

static const struct verb *
find(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof verbs / sizeof verbs[0]; i++)
		if (name != NULL && strcmp(name, verbs[i].name) == 0)
			return &verbs[i];
	return NULL;
}

static const char *
wrong(const struct verb *v, const struct wish *w)
{
	if (v->takes_name && cmd_key_unfit(w->name) != NULL)
		return cmd_key_unfit(w->name);
	if (w->discovery != NULL && !v->takes_discovery)
		return "--discovery goes with add and set";
	if (w->discovery == NULL && v->needs_discovery)
		return "say what to set: --discovery on or off";
	if (w->discovery != NULL && strcmp(w->discovery, "on") != 0 && strcmp(w->discovery, "off") != 0)
		return "--discovery is on or off";
	return NULL;
}

int
cmd_key(int argc, char **argv)
{
	static struct conf c;
	struct wish w = { 0 };
	const struct cmd_option own[] = {
		{ "discovery", &w.discovery, NULL }, { "json", NULL, &w.json }, { NULL, NULL, NULL },
	};
	const struct verb *v = find(argv[1]);
	const char *why = NULL;
	struct store *s = NULL;
	int rc, used;

	if (v == NULL)
		return complain_usage(argv[1] == NULL ? "what about the keys?" : "there is no such verb");
	if (v->takes_name && argv[2] == NULL)
		return complain_usage("the name of a key is missing");
	w.name = v->takes_name ? argv[2] : NULL;
	used = v->takes_name ? 2 : 1;
	if (cmd_settings(&c, argc - used, argv + used, own) != 0)
		return CMD_USAGE;
	if (wrong(v, &w) != NULL)
		return complain_usage(wrong(v, &w));
	rc = cmd_db_open(&c, false, &s, &why);
	if (rc < 0)
		return complain_store(rc, why);
	rc = v->run(s, &w);
	store_close(s);
	return rc;
}
