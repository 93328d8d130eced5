/* store-sqlite-hub - a hub's lease is one row; it takes its boxes and control mailbox along. */
#include "config.h"

#include "store-sqlite.h"

int
lite_hub_enter(struct store *s, int64_t *hub)
{
	struct lite *l = (struct lite *)s;
	int err = lite_id(l, SQL_HUB_ENTER, ":now", l->now);

	if (err == 0)
		*hub = sqlite3_last_insert_rowid(l->db);
	return err;
}

int
lite_hub_renew(struct store *s, int64_t hub)
{
	struct lite *l = (struct lite *)s;
	sqlite3_stmt *q = lite_get(l, SQL_HUB_RENEW);

	lite_int(q, ":hub", hub);
	lite_int(q, ":now", l->now);
	return lite_change(l, q);
}

int
lite_hub_alive(struct store *s, int64_t hub)
{
	struct lite *l = (struct lite *)s;
	sqlite3_stmt *q = lite_get(l, SQL_HUB_ALIVE);

	lite_int(q, ":hub", hub);
	lite_int(q, ":alive", l->now - HUB_LEASE_MS);
	return lite_has(l, q);
}

static int
boxes_away(struct lite *l, int64_t hub, int64_t room, int64_t *left)
{
	sqlite3_stmt *q = lite_get(l, SQL_HUB_AWAY);
	int err;

	lite_int(q, ":hub", hub);
	lite_int(q, ":now", l->now);
	lite_int(q, ":room", room);
	err = lite_run(l, q);
	if (err == 0)
		*left = room < 0 ? room : room - sqlite3_changes(l->db);
	return err;
}

int
lite_hub_end(struct lite *l, int64_t hub, int64_t room, int64_t *left)
{
	int err = boxes_away(l, hub, room, left);

	if (err == 0 && *left != 0)
		err = lite_empty(l, -hub, *left, left);
	if (err == 0 && *left != 0)
		err = lite_id(l, SQL_HUB_FORGET, ":hub", hub);
	return err;
}

int
lite_hub_leave(struct store *s, int64_t hub)
{
	int64_t left;

	return lite_hub_end((struct lite *)s, hub, -1, &left);
}
