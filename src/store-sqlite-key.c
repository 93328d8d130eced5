/* store-sqlite-key - API keys: a handful of rows, looked up once for each stream that is opened. */
#include "config.h"

#include "store-sqlite.h"

static void
read_key(sqlite3_stmt *q, struct realm_key *k)
{
	str_copy(lite_column(q, 0), k->name, sizeof k->name);
	k->discovery = sqlite3_column_int(q, 1) != 0;
	k->peers = sqlite3_column_int64(q, 2);
}

int
lite_key_get(struct store *s, struct str name, struct realm_key *k)
{
	struct lite *l = (struct lite *)s;
	sqlite3_stmt *q = lite_get(l, SQL_KEY_GET);
	char text[KEY_MAX];
	int err;

	if (str_copy(name, text, sizeof text) < 0)
		return -ERR_NOTFOUND;
	lite_text(q, ":name", text);
	err = lite_row(l, q);
	if (err != 0)
		return err;
	read_key(q, k);
	lite_done(q);
	return 0;
}

int
lite_key_set(struct store *s, struct str name, bool discovery)
{
	struct lite *l = (struct lite *)s;
	sqlite3_stmt *q = lite_get(l, SQL_KEY_SET);
	char text[KEY_MAX];

	if (name.n == 0 || str_copy(name, text, sizeof text) < 0)
		return -ERR_BAD;
	lite_text(q, ":name", text);
	lite_int(q, ":discovery", discovery);
	return lite_run(l, q);
}

int
lite_key_list(struct store *s, key_fn *fn, void *arg)
{
	struct lite *l = (struct lite *)s;
	sqlite3_stmt *q = lite_get(l, SQL_KEY_LIST);
	struct realm_key k;
	int got;

	while ((got = lite_step(l, q)) == 1) {
		read_key(q, &k);
		if (fn(arg, &k) != 0) {
			lite_done(q);
			return 0;
		}
	}
	return got;
}
