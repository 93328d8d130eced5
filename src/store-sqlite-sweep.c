/*
 * store-sqlite-sweep - leases and time.
 *
 * A sweep is bounded: `room` counts down with every row it writes, and what is left over is
 * taken up by the next call. What comes first: hubs that fell silent (their boxes are away),
 * messages past their time (store-sqlite-expiry.c), boxes nobody came back for.
 */
#include "config.h"

#include "store-sqlite.h"

struct past {			/* what the last sweep left in meta */
	int64_t	swept, offset, mark;
	bool	same_boot;
};

/* ---- hubs ---- */

static int
sweep_hubs(struct lite *l, int64_t *room)
{
	sqlite3_stmt *q;
	int64_t hub;
	int err = 0;

	while (err == 0 && *room > 0) {
		q = lite_get(l, SQL_HUB_DEAD);
		lite_int(q, ":alive", l->now - HUB_LEASE_MS);
		err = lite_number(l, q, &hub);
		if (err == 0)
			err = lite_hub_end(l, hub, *room, room);
		if (err == 0 && *room > 0)
			--*room;
	}
	return err == -ERR_NOTFOUND ? 0 : err;
}

/* ---- the clock ---- */

static int
load_past(struct lite *l, const struct sweep *sw, struct past *p)
{
	char boot[64] = "";
	int err = lite_meta_get(l, "swept", &p->swept);

	if (err == 0)
		err = lite_meta_get(l, "offset", &p->offset);
	if (err == 0)
		err = lite_meta_get(l, "mark", &p->mark);
	if (err == 0)
		err = lite_meta_text(l, "boot", boot, sizeof boot);
	p->same_boot = strncmp(boot, sw->boot, sizeof boot - 1) == 0;
	return err;
}

static int
save_past(struct lite *l, const struct sweep *sw, const struct past *p)
{
	size_t n = strlen(sw->boot);
	int err = lite_meta_set(l, "swept", p->swept);

	if (err == 0)
		err = lite_meta_set(l, "offset", p->offset);
	if (err == 0)
		err = lite_meta_set(l, "mark", p->mark);
	if (err == 0 && !p->same_boot)
		err = lite_meta_put(l, "boot", sw->boot, n < 63 ? n : 63);
	return err;
}

static int
shift_messages(struct lite *l, const struct past *p, int64_t diff)
{
	sqlite3_stmt *q = lite_get(l, SQL_SHIFT_MSG);
	int err;

	lite_int(q, ":diff", diff);
	lite_int(q, ":mark", p->mark);
	err = lite_run(l, q);
	if (err != 0)
		return err;
	q = lite_get(l, SQL_SHIFT_MSG_NEW);
	lite_int(q, ":diff", diff);
	lite_int(q, ":mark", p->mark);
	lite_int(q, ":now", l->now);
	err = lite_run(l, q);
	return err != 0 ? err : lite_id(l, SQL_SHIFT_STRETCH, ":diff", diff);
}

static int
shift_presence(struct lite *l, const struct past *p, int64_t diff)
{
	sqlite3_stmt *q = lite_get(l, SQL_SHIFT_BOX);
	int err;

	lite_int(q, ":diff", diff);
	lite_int(q, ":seam", p->swept + diff);
	lite_int(q, ":soon", l->now + LITE_SOON_MS);
	err = lite_run(l, q);
	if (err != 0)
		return err;
	q = lite_get(l, SQL_SHIFT_HUB);
	lite_int(q, ":diff", diff);
	lite_int(q, ":seam", p->swept + diff);
	lite_int(q, ":now", l->now);
	return lite_run(l, q);
}

/* If the wall clock jumped, every deadline jumps with it. */
static int
follow_clock(struct lite *l, struct sweep *sw, struct past *p)
{
	int64_t offset = l->now - sw->mono, diff = offset - p->offset;
	int err;

	p->offset = offset;
	if (!p->same_boot || (diff <= LITE_JUMP_MS && diff >= -LITE_JUMP_MS))
		return 0;
	err = shift_messages(l, p, diff);
	if (err == 0)
		err = shift_presence(l, p, diff);
	sw->shifted_ms = diff;
	return err;
}

/* ---- boxes ---- */

/* It ends at once; deleting what waited in it may take several sweeps. */
static int
delete_box(struct lite *l, struct sweep *sw, int64_t id, int64_t *room)
{
	int64_t before = *room;
	int err = lite_box_end(&l->base, id);

	if (err == 0)
		err = lite_empty(l, id, *room, room);
	if (err != 0)
		return err;
	sw->messages += (uint32_t)(before - *room);
	if (*room <= 0)
		return 0;
	--*room;
	sw->boxes++;
	return lite_id(l, SQL_BOX_DELETE, ":id", id);
}

static int
sweep_boxes(struct lite *l, struct sweep *sw, int64_t *room)
{
	sqlite3_stmt *q;
	int64_t id;
	int err = 0;

	while (err == 0 && *room > 0) {
		q = lite_get(l, SQL_SWEEP_BOX);
		lite_int(q, ":limit", l->now - l->conf.away_ms);
		err = lite_number(l, q, &id);
		if (err == 0)
			err = delete_box(l, sw, id, room);
	}
	return err == -ERR_NOTFOUND ? 0 : err;
}

/* What keys that were removed left. */
static int
sweep_gone(struct lite *l, struct sweep *sw, int64_t *room)
{
	int64_t id;
	int err = 0;

	while (err == 0 && *room > 0) {
		err = lite_gone_box(l, &id);
		if (err == 0)
			err = delete_box(l, sw, id, room);
	}
	return err == -ERR_NOTFOUND ? 0 : err;
}

/* ---- the whole ---- */

/* One a second; a time well ahead is of a clock that was set back since. */
static bool
elected(const struct lite *l, const struct past *p)
{
	return p->swept <= l->now - LITE_SWEEP_MS || p->swept > l->now + LITE_SWEEP_MS;
}

static int
work(struct lite *l, struct sweep *sw, struct past *p)
{
	int64_t room = sw->max_rows;
	int err = follow_clock(l, sw, p);

	if (err == 0)
		err = sweep_hubs(l, &room);
	if (err == 0)
		err = lite_sweep_messages(l, sw, &p->mark, &room);
	if (err == 0)
		err = sweep_boxes(l, sw, &room);
	if (err == 0)
		err = sweep_gone(l, sw, &room);
	sw->more = room <= 0;
	return err;
}

int
lite_sweep(struct store *s, struct sweep *sw)
{
	struct lite *l = (struct lite *)s;
	struct past p;
	int err;

	sw->elected = sw->more = false;
	sw->messages = sw->boxes = 0;
	sw->shifted_ms = 0;
	err = load_past(l, sw, &p);
	if (err != 0 || !elected(l, &p))
		return err;
	sw->elected = true;
	err = work(l, sw, &p);
	lite_stale(l);
	p.swept = sw->more ? l->now - LITE_SWEEP_MS : l->now;
	return err != 0 ? err : save_past(l, sw, &p);
}
