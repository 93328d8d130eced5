/* hub-roll - see hub-roll.h. Reading costs about 1 µs a name, rendering a third of that. */
#include "config.h"

#include <string.h>

#include "err.h"
#include "hub-roll.h"
#include "json.h"

#define BYTES_MAX	(1u << 30)

void
roll_init(struct roll *r)
{
	int i;

	*r = (struct roll){ .n = 0 };
	buf_init(&r->names, BYTES_MAX);
	buf_init(&r->entries, BYTES_MAX);
	for (i = 0; i < ROLL_VIEWS; i++) {
		buf_init(&r->view[i].bytes, BYTES_MAX);
		buf_init(&r->view[i].ends, BYTES_MAX);
	}
}

static void
forget_views(struct roll *r)
{
	int i;

	for (i = 0; i < ROLL_VIEWS; i++) {
		r->view[i].wire = NULL;
		buf_release(&r->view[i].bytes);
		buf_release(&r->view[i].ends);
	}
}

void
roll_release(struct roll *r)
{
	forget_views(r);
	buf_release(&r->names);
	buf_release(&r->entries);
	r->n = 0;
	r->newest = 0;
}

/* ---- reading ---- */

static int
on_claim(void *arg, const struct claim *c)
{
	struct roll *r = arg;
	struct roll_entry e = { r->names.n, (uint32_t)c->name.n, c->id, c->box };

	buf_adds(&r->names, c->name);
	buf_add(&r->entries, &e, sizeof e);
	r->n++;
	if (c->id > r->newest)
		r->newest = c->id;
	return buf_err(&r->names) < 0 || buf_err(&r->entries) < 0;
}

int
roll_read(struct roll *r, struct store *s, const char *realm)
{
	int rc;

	forget_views(r);
	buf_clear(&r->names);
	buf_clear(&r->entries);
	r->n = 0;
	r->newest = 0;
	rc = store_claim_names(s, realm, on_claim, r);
	if (rc == 0)
		rc = buf_err(&r->names);
	if (rc == 0)
		rc = buf_err(&r->entries);
	if (rc < 0)
		roll_release(r);
	return rc;
}

const struct roll_entry *
roll_entry(const struct roll *r, uint32_t i)
{
	return (const struct roll_entry *)(const void *)r->entries.p + i;
}

struct str
roll_name(const struct roll *r, uint32_t i)
{
	const struct roll_entry *e = roll_entry(r, i);

	return str_make(r->names.p + e->at, e->size);
}

static int
compare(struct str a, struct str b)
{
	size_t n = a.n < b.n ? a.n : b.n;
	int order = n == 0 ? 0 : memcmp(a.p, b.p, n);

	return order != 0 ? order : (a.n > b.n) - (a.n < b.n);
}

uint32_t
roll_find(const struct roll *r, struct str name)
{
	uint32_t from = 0, to = r->n, middle;

	while (from < to) {
		middle = from + (to - from) / 2;
		if (compare(roll_name(r, middle), name) < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return from;
}

/* ---- rendering ---- */

struct wire_event
roll_event(const struct roll *r, uint32_t i, struct str event, struct buf *data)
{
	json_quote(data, roll_name(r, i));
	return (struct wire_event){ .name = event, .data = buf_str(data), .json = true };
}

static void
render(struct roll *r, struct roll_view *v, struct str event)
{
	struct wire_state state;
	struct wire_event e;
	struct buf data;
	uint32_t i;

	buf_init(&data, 8 * NAME_BYTES_MAX);
	for (i = 0; i < r->n; i++) {
		buf_clear(&data);
		e = roll_event(r, i, event, &data);
		state = (struct wire_state){ 0 };
		v->wire->event(&state, &v->bytes, &e);
		buf_add(&v->ends, &v->bytes.n, sizeof v->bytes.n);
	}
	buf_release(&data);
}

const struct roll_view *
roll_view(struct roll *r, const struct wire *w, struct str event)
{
	struct roll_view *v = r->view;

	while (v < r->view + ROLL_VIEWS - 1 && v->wire != NULL && v->wire != w)
		v++;
	if (v->wire != w) {
		v->wire = w;
		buf_clear(&v->bytes);
		buf_clear(&v->ends);
		render(r, v, event);
	}
	return buf_err(&v->bytes) < 0 || buf_err(&v->ends) < 0 ? NULL : v;
}

struct str
roll_bytes(const struct roll_view *v, uint32_t from, uint32_t to)
{
	const uint32_t *ends = (const uint32_t *)(const void *)v->ends.p;
	uint32_t begin = from == 0 ? 0 : ends[from - 1];

	return from == to ? STR_NONE : str_make(v->bytes.p + begin, ends[to - 1] - begin);
}
