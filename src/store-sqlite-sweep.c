/*
 * store-sqlite-sweep - leases and time.
 *
 * A sweep is bounded: `room` counts down with every row it writes, and what is left over is
 * taken up by the next call. What comes first: hubs that fell silent (their boxes are away),
 * messages past their time, boxes nobody came back for.
 *
 * Rows past their time are judged once: a watermark (judged, judged_seq) says up to which due
 * and seq. A row that was taken by then stays for TAKEN_KEEP_MS longer, and is not looked at
 * again until then.
 */
#include "config.h"

#include "store-sqlite.h"

struct past {			/* what the last sweep left in meta */
	int64_t	swept, offset, mark, judged, judged_seq;
	bool	same_boot;
};

struct row {
	int64_t	seq, due, box;
	bool	untaken;
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
		err = lite_meta_get(l, "judged", &p->judged);
	if (err == 0)
		err = lite_meta_get(l, "judged_seq", &p->judged_seq);
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
	if (err == 0)
		err = lite_meta_set(l, "judged", p->judged);
	if (err == 0)
		err = lite_meta_set(l, "judged_seq", p->judged_seq);
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
	return lite_run(l, q);
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
	p->judged += diff;
	sw->shifted_ms = diff;
	return err;
}

/* ---- messages past their time ---- */

static int
collect(struct lite *l, sqlite3_stmt *q, struct row *rows, int *n)
{
	int got;

	*n = 0;
	while ((got = lite_step(l, q)) == 1) {
		rows[*n].seq = sqlite3_column_int64(q, 0);
		rows[*n].due = sqlite3_column_int64(q, 1);
		rows[*n].box = sqlite3_column_int64(q, 2);
		rows[*n].untaken = sqlite3_column_int(q, 3) != 0;
		++*n;
	}
	return got;
}

/* Tells of the row that goes. 1: the caller wants no more. */
static int
announce(struct lite *l, struct sweep *sw, int64_t seq)
{
	sqlite3_stmt *q;
	struct msg_row m;
	int err;

	if (sw->expired == NULL)
		return 0;
	q = lite_get(l, SQL_MSG_GET);
	lite_int(q, ":seq", seq);
	err = lite_row(l, q);
	if (err != 0)
		return err == -ERR_NOTFOUND ? 0 : err;
	lite_read_msg(q, &m);
	err = sw->expired(sw->arg, &m);
	lite_done(q);
	return err == 0 ? 0 : 1;
}

static int
drop_row(struct lite *l, struct sweep *sw, const struct row *r, bool tell)
{
	int err, stop = tell && r->box > 0 ? announce(l, sw, r->seq) : 0;

	if (stop < 0)
		return stop;
	err = lite_drop(l, r->seq, r->box);
	if (err != 0)
		return err;
	sw->messages++;
	return stop;
}

static int
judge_rows(struct lite *l, struct sweep *sw, struct past *p, const struct row *rows, int n)
{
	int i, err = 0;

	for (i = 0; i < n && err == 0; i++) {
		p->judged = rows[i].due;
		p->judged_seq = rows[i].seq;
		if (rows[i].untaken)
			err = drop_row(l, sw, &rows[i], true);
	}
	return err;
}

static int
least(int64_t room)
{
	return room < LITE_BATCH ? (int)room : LITE_BATCH;
}

static int
judge_batch(struct lite *l, struct sweep *sw, struct past *p, int64_t limit, int64_t *room)
{
	struct row rows[LITE_BATCH];
	sqlite3_stmt *q = lite_get(l, SQL_SWEEP_JUDGE);
	int n, err, want = least(*room);

	lite_int(q, ":judged", p->judged);
	lite_int(q, ":judged_seq", p->judged_seq);
	lite_int(q, ":limit", limit);
	lite_int(q, ":room", want);
	err = collect(l, q, rows, &n);
	if (err == 0)
		err = judge_rows(l, sw, p, rows, n);
	*room = err == 1 ? 0 : *room - n;
	if (err != 0 || n == want)
		return err;
	p->judged = limit;
	p->judged_seq = INT64_MAX;
	return 1;
}

/* The limit moves back with the clock: then what lies between is judged again. */
static int
sweep_untaken(struct lite *l, struct sweep *sw, struct past *p, int64_t *room)
{
	int64_t limit = l->now - EXPIRY_SLACK_MS - 1;
	int err = 0;

	if (p->judged > limit) {
		p->judged = limit;
		p->judged_seq = INT64_MAX;
		return 0;
	}
	while (err == 0 && *room > 0)
		err = judge_batch(l, sw, p, limit, room);
	return err == 1 ? 0 : err;
}

static int
taken_batch(struct lite *l, struct sweep *sw, int64_t limit, int64_t *room)
{
	struct row rows[LITE_BATCH];
	sqlite3_stmt *q = lite_get(l, SQL_SWEEP_TAKEN);
	int i, n, err, want = least(*room);

	lite_int(q, ":limit", limit);
	lite_int(q, ":room", want);
	err = collect(l, q, rows, &n);
	for (i = 0; i < n && err == 0; i++)
		err = drop_row(l, sw, &rows[i], false);
	*room -= n;
	return err == 0 && n < want ? 1 : err;
}

static int
sweep_taken(struct lite *l, struct sweep *sw, int64_t *room)
{
	int64_t limit = l->now - EXPIRY_SLACK_MS - TAKEN_KEEP_MS - 1;
	int err = 0;

	while (err == 0 && *room > 0)
		err = taken_batch(l, sw, limit, room);
	return err == 1 ? 0 : err;
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
		err = sweep_untaken(l, sw, p, &room);
	if (err == 0)
		err = sweep_taken(l, sw, &room);
	if (err == 0)
		err = sweep_boxes(l, sw, &room);
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
	if (err == 0)
		err = lite_sequence(l, SQL_MSG_SEQUENCE, &p.mark);
	p.swept = sw->more ? l->now - LITE_SWEEP_MS : l->now;
	return err != 0 ? err : save_past(l, sw, &p);
}
