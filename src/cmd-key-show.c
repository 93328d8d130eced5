/* cmd-key-show - see cmd-key.h. A table is as wide as what is in it. */
#include "config.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <json-c/json.h>

#include "cmd-key.h"
#include "err.h"

/* ---- words ---- */

void
key_time(int64_t ms, char out[KEY_TIME])
{
	time_t t = (time_t)(ms / 1000);
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(out, KEY_TIME, "%Y-%m-%dT%H:%M:%SZ", &tm);
}

const char *
key_state(const struct realm_key *k, int64_t now)
{
	return !k->enabled ? "off" : k->expires != 0 && k->expires <= now ? "expired" : "on";
}

static bool
is_sigver(const struct realm_key *k)
{
	return strcmp(k->name, KEY_SIGVER) == 0;
}

static bool
is_star(const struct realm_key *k)
{
	return strcmp(k->name, KEY_STAR) == 0;
}

static char
unit_of(const struct realm_key *k)
{
	return k->rate_ms == 1000 ? 's' : k->rate_ms == 60000 ? 'm' : 'h';
}

/* ---- a table ---- */

enum column { C_KEY, C_STATE, C_DISCOVERY, C_PEERS, C_LIMIT, C_RATE, C_EXPIRES, C_ORIGINS, C__MAX };

struct table {
	char	*(*rows)[C__MAX];
	int64_t	 star;		/* multiaddrs */
	size_t	 count, room;
	size_t	 width[C__MAX];
	int64_t	 now;
};

static const char *const heads[C__MAX] = {
	"key", "state", "discovery", "peers", "limit", "rate", "expires", "origins",
};

/* Characters, of UTF-8: wide ones are rare in names of keys. */
static size_t
width_of(const char *text)
{
	size_t n = 0;

	for (; *text != '\0'; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static void
fill(const struct realm_key *k, int64_t now, const char *cells[C__MAX], char numbers[4][32])
{
	snprintf(numbers[0], 32, "%" PRId64, k->peers);
	snprintf(numbers[1], 32, "%" PRId64, k->max_peers);
	snprintf(numbers[2], 32, "%" PRId64 "/%c", k->rate, unit_of(k));
	key_time(k->expires, numbers[3]);
	cells[C_KEY] = k->name;
	cells[C_STATE] = key_state(k, now);
	cells[C_DISCOVERY] = is_sigver(k) ? "-" : k->discovery ? "on" : "off";
	cells[C_PEERS] = is_sigver(k) ? "-" : numbers[0];
	cells[C_LIMIT] = k->max_peers == 0 ? "-" : numbers[1];
	cells[C_RATE] = k->rate == 0 ? "-" : numbers[2];
	cells[C_EXPIRES] = k->expires == 0 ? "never" : numbers[3];
	cells[C_ORIGINS] = k->origins[0] == '\0' ? "-" : k->origins;
}

static int
add_cells(struct table *t, const char *const cells[C__MAX])
{
	size_t room = t->room == 0 ? 16 : t->room * 2, n;
	void *rows;
	int i;

	if (t->count == t->room) {
		rows = realloc(t->rows, room * sizeof *t->rows);
		if (rows == NULL)
			return -ERR_NOMEM;
		t->rows = rows;
		t->room = room;
	}
	for (i = 0; i < C__MAX; i++) {
		t->rows[t->count][i] = strdup(cells[i]);
		n = width_of(cells[i]);
		if (n > t->width[i])
			t->width[i] = n;
	}
	t->count++;
	return 0;
}

static int
add_row(void *arg, const struct realm_key *k)
{
	struct table *t = arg;
	struct realm_key counted = *k;
	const char *cells[C__MAX];
	char numbers[4][32];

	if (is_star(k))
		counted.peers = t->star;
	fill(&counted, t->now, cells, numbers);
	return add_cells(t, cells) < 0;
}

static void
print_cell(const char *text, size_t width, bool last)
{
	size_t n = width_of(text);

	fputs(text, stdout);
	for (; !last && n < width + 2; n++)
		putchar(' ');
}

static void
print_table(struct table *t)
{
	size_t row;
	int i;

	for (row = 0; row < t->count; row++) {
		for (i = 0; i < C__MAX; i++) {
			print_cell(t->rows[row][i] != NULL ? t->rows[row][i] : "?", t->width[i], i == C__MAX - 1);
			free(t->rows[row][i]);
		}
		putchar('\n');
	}
	free(t->rows);
}

/* ---- JSON ---- */

static struct json_object *
time_json(int64_t ms)
{
	char text[KEY_TIME];

	if (ms == 0)
		return NULL;
	key_time(ms, text);
	return json_object_new_string(text);
}

static struct json_object *
rate_json(const struct realm_key *k)
{
	struct json_object *o;

	if (k->rate == 0)
		return NULL;
	o = json_object_new_object();
	json_object_object_add(o, "messages", json_object_new_int64(k->rate));
	json_object_object_add(o, "ms", json_object_new_int64(k->rate_ms));
	json_object_object_add(o, "burst", json_object_new_int64(k->burst));
	return o;
}

static struct json_object *
origins_json(const struct realm_key *k)
{
	struct str rest = str_from(k->origins), one;
	struct json_object *o;

	if (rest.n == 0)
		return NULL;
	o = json_object_new_array();
	while (rest.n > 0) {
		str_cut(rest, ',', &one, &rest);
		one = str_trim(one);
		json_object_array_add(o, json_object_new_string_len(one.p, (int)one.n));
	}
	return o;
}

/* What the setting says, or nobody, is null. */
static struct json_object *
to_json(const struct realm_key *k, int64_t now)
{
	struct json_object *o = json_object_new_object();

	json_object_object_add(o, "key", json_object_new_string(k->name));
	json_object_object_add(o, "state", json_object_new_string(key_state(k, now)));
	json_object_object_add(o, "discovery", is_sigver(k) ? NULL : json_object_new_boolean(k->discovery));
	json_object_object_add(o, "peers", is_sigver(k) ? NULL : json_object_new_int64(k->peers));
	json_object_object_add(o, "limit", k->max_peers == 0 ? NULL : json_object_new_int64(k->max_peers));
	json_object_object_add(o, "rate", rate_json(k));
	json_object_object_add(o, "origins", origins_json(k));
	json_object_object_add(o, "expires", time_json(k->expires));
	json_object_object_add(o, "made", time_json(k->created));
	return o;
}

static void
print_json(struct json_object *o)
{
	printf("%s\n", json_object_to_json_string_ext(o, JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_NOSLASHESCAPE));
	json_object_put(o);
}

struct array {
	struct json_object	*all;
	int64_t			 now, star;
};

static int
add_json(void *arg, const struct realm_key *k)
{
	struct realm_key counted = *k;
	struct array *a = arg;

	if (is_star(k))
		counted.peers = a->star;
	return json_object_array_add(a->all, to_json(&counted, a->now)) < 0;
}

/* ---- all, one ---- */

int
key_show_list(struct store *s, int64_t now, bool json)
{
	struct table t = { .now = now };
	struct array a = { .now = now };
	int rc = store_claim_total(s, STAR_REALM, &t.star);

	a.star = t.star;
	if (rc < 0)
		return rc;
	if (json) {
		a.all = json_object_new_array();
		rc = store_key_list(s, add_json, &a);
		print_json(a.all);
		return rc;
	}
	rc = add_cells(&t, heads);
	if (rc == 0)
		rc = store_key_list(s, add_row, &t);
	print_table(&t);
	return rc;
}

void
key_show_one(const struct realm_key *k, int64_t now, bool json, const char *old)
{
	struct json_object *o;
	const char *cells[C__MAX];
	char numbers[4][32], made[KEY_TIME];
	int i;

	if (json) {
		o = to_json(k, now);
		if (old != NULL)
			json_object_object_add(o, "old", json_object_new_string(old));
		print_json(o);
		return;
	}
	fill(k, now, cells, numbers);
	for (i = 0; i < C__MAX; i++)
		if (i == C_RATE && k->rate != 0)
			printf("%-10s %s, %" PRId64 " at once\n", heads[i], cells[i], k->burst);
		else
			printf("%-10s %s\n", heads[i], cells[i]);
	key_time(k->created, made);
	if (k->created != 0)
		printf("%-10s %s\n", "made", made);
	if (old != NULL)
		printf("%-10s %s\n", "old", old);
}
