/* fake - see fake.h. */
#include "config.h"

#include <assert.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "err.h"
#include "fake.h"
#include "hub-private.h"
#include "log.h"
#include "proto-key.h"
#include "route.h"

#define STEP_MS	10

/* ---- a connection of memory ---- */

static struct fake_conn *
of(struct conn *c)
{
	return LIST_OF(c, struct fake_conn, conn);
}

static void
fake_wrap(struct conn *c, struct buf *out, struct str bytes)
{
	(void)c;
	buf_adds(out, bytes);
}

static void
fake_tail(struct conn *c, struct buf *out)
{
	(void)c, (void)out;
}

static ssize_t
fake_write(struct conn *c, const char *p, size_t n)
{
	struct fake_conn *fc = of(c);

	if (n > fc->room)
		n = fc->room;
	buf_add(&fc->read, p, n);
	fc->room -= n;
	return (ssize_t)n;
}

static void
fake_wait(struct conn *c, bool room)
{
	(void)c, (void)room;
}

static void
fake_done(struct conn *c, bool whole)
{
	of(c)->done = true;
	of(c)->whole = whole;
}

static void
fake_hear(struct conn *c, bool yes)
{
	of(c)->hears = yes;
}

static const struct gate fake_gate = {
	.name = "fake", .wrap = fake_wrap, .tail = fake_tail, .write = fake_write,
	.wait = fake_wait, .hear = fake_hear, .done = fake_done,
};

/* ---- time ---- */

static int64_t
fake_real(void *arg)
{
	return ((struct fake *)arg)->real;
}

static int64_t
fake_mono(void *arg)
{
	return ((struct fake *)arg)->mono;
}

static void
on_turn(void *arg)
{
	struct fake *f = arg;

	if (f->hub.loop != NULL) {
		hub_turn(&f->hub);
		hub_assert_sane(&f->hub);
	}
}

void
fake_turn(struct fake *f)
{
	f->loop.fresh = false;
	loop_poll(&f->loop);
	hub_turn(&f->hub);
	hub_assert_sane(&f->hub);
}

/* libuv's own clock does not stand still, so what its timers would do is done by hand. */
static bool
every(const struct fake *f, int64_t ms)
{
	return f->mono / ms != (f->mono - STEP_MS) / ms;
}

static void
fire(struct fake *f)
{
	if (loop_timer_active(&f->hub.retry)) {
		loop_timer_stop(&f->hub.retry);
		hub_on_retry(&f->hub.retry);
	}
	if (every(f, HUB_WAIT_MS))
		hub_on_claims(&f->hub.claims);
	if (loop_timer_active(&f->hub.pace))
		hub_on_pace(&f->hub.pace);
	if (loop_timer_active(&f->hub.rounds))
		hub_on_rounds(&f->hub.rounds);
	if (every(f, f->hub.slot_ms))
		hub_on_beat(&f->hub.beat);
	if (every(f, HUB_TICK_MS))
		hub_on_tick(&f->hub.tick);
	fake_turn(f);
}

void
fake_pass(struct fake *f, int64_t ms)
{
	for (; ms > 0; ms -= STEP_MS) {
		f->real += STEP_MS;
		f->mono += STEP_MS;
		f->loop.fresh = false;
		fire(f);
	}
}

/* ---- life ---- */

static void
start_hub(struct fake *f)
{
	const struct loop_clock clock = { fake_real, fake_mono, f };
	const char *why = "";
	int rc;

	rc = loop_init(&f->loop, on_turn, f);
	assert(rc == 0);
	loop_set_clock(&f->loop, &clock);
	rc = hub_init(&f->hub, &f->loop, &f->conf, route_serve, &why);
	f->hub.expired = route_expired;
	f->hub.barred = key_farewell;
	if (rc < 0)
		fprintf(stderr, "fake: %s\n", why);
	assert(rc == 0);
}

void
fake_start(struct fake *f)
{
	char *made;

	log_init(LOG_ERROR, STDERR_FILENO);
	memset(f, 0, sizeof *f);
	conf_init(&f->conf);
	f->conf.address_requests = f->conf.address_sessions = 0;	/* all come from one address, and time stands still */
	snprintf(f->dir, sizeof f->dir, "/tmp/sigpost-test-XXXXXX");
	made = mkdtemp(f->dir);
	assert(made != NULL);
	(void)made;
	snprintf(f->conf.db, sizeof f->conf.db, "%s/s.db", f->dir);
	f->real = 1700000000000;
	f->mono = 5000000;
}

void
fake_run(struct fake *f)
{
	start_hub(f);
}

void
fake_join(struct fake *f, const struct fake *first)
{
	memset(f, 0, sizeof *f);
	f->conf = first->conf;
	f->real = first->real;
	f->mono = first->mono;
	start_hub(f);
}

static void
remove_directory(const char *path)
{
	char name[512];
	struct dirent *e;
	DIR *d = opendir(path);

	while (d != NULL && (e = readdir(d)) != NULL) {
		snprintf(name, sizeof name, "%s/%s", path, e->d_name);
		unlink(name);
	}
	if (d != NULL)
		closedir(d);
	rmdir(path);
}

void
fake_stop(struct fake *f)
{
	hub_release(&f->hub);
	f->hub.loop = NULL;
	loop_release(&f->loop);
	if (f->dir[0] != '\0')
		remove_directory(f->dir);
}

/* ---- requests ---- */

static void
set(struct req *r, const char *name, const char *value)
{
	int rc = req_var(r, str_from(name), str_from(value));

	assert(rc == 0);
	(void)rc;
}

struct fake_conn *
fake_request(struct fake *f, const char *method, const char *uri, const char *body, const char *const *extra)
{
	struct fake_conn *c = calloc(1, sizeof *c);
	struct req *r = req_new((size_t)f->conf.max_vars_bytes, (size_t)f->conf.max_body_bytes);
	char length[24];
	struct str name, value;
	int64_t announced;
	int rc;

	assert(c != NULL && r != NULL);
	conn_init(&c->conn, &fake_gate, 1u << 25);
	buf_init(&c->read, 1u << 26);
	c->room = f->first_room != 0 ? f->first_room : SIZE_MAX;
	r->conn = &c->conn;
	set(r, "REQUEST_METHOD", method);
	set(r, "REQUEST_URI", uri);
	for (; extra != NULL && *extra != NULL; extra++) {
		str_cut(str_from(*extra), '=', &name, &value);
		req_var(r, name, value);
	}
	if (body != NULL) {
		snprintf(length, sizeof length, "%zu", strlen(body));
		set(r, "CONTENT_LENGTH", length);
	}
	rc = req_length(r, &announced);
	if (rc == 0 && body != NULL)
		rc = req_body(r, str_from(body));
	if (rc == 0)
		rc = req_ready(r, f->conf.mount);
	if (rc < 0)
		route_refuse(&f->hub, r, rc);
	else
		hub_take(&f->hub, r);
	fake_turn(f);
	return c;
}

struct fake_conn *
fake_get(struct fake *f, const char *uri, const char *last_event_id)
{
	char line[256];
	const char *extra[] = { line, NULL };

	snprintf(line, sizeof line, "HTTP_LAST_EVENT_ID=%s", last_event_id == NULL ? "" : last_event_id);
	return fake_request(f, "GET", uri, NULL, extra);
}

struct fake_conn *
fake_post(struct fake *f, const char *uri, const char *body)
{
	return fake_request(f, "POST", uri, body, NULL);
}

void
fake_room(struct fake *f, struct fake_conn *c, size_t room)
{
	c->room = room;
	conn_room(&c->conn);
	fake_turn(f);
}

void
fake_says(struct fake *f, struct fake_conn *c, struct str bytes)
{
	assert(c->hears);
	conn_heard(&c->conn, bytes);
	fake_turn(f);
}

void
fake_gone(struct fake *f, struct fake_conn *c)
{
	conn_gone(&c->conn);
	fake_turn(f);
}

void
fake_free(struct fake_conn *c)
{
	if (c == NULL)
		return;
	assert(c->conn.over);	/* nobody may still write to it */
	conn_release(&c->conn);
	buf_release(&c->read);
	free(c);
}

/* ---- what a client read ---- */

const char *
fake_text(struct fake_conn *c)
{
	buf_addc(&c->read, '\0');
	c->read.n--;
	return c->read.p;
}

int
fake_status(struct fake_conn *c)
{
	int status;

	return sscanf(fake_text(c), "Status: %d ", &status) == 1 ? status : 0;
}

static bool
copy_line(const char *from, char *out, size_t size)
{
	size_t n = strcspn(from, "\n");

	if (n >= size)
		return false;
	memcpy(out, from, n);
	out[n] = '\0';
	return true;
}

/* One block of an event stream, from p to the blank line: its name and first data line. */
static bool
block_is(const char *p, const char *end, const char *name, const char **data)
{
	char line[128];
	const char *event = "", *nl;

	*data = NULL;
	for (; p < end && (nl = memchr(p, '\n', (size_t)(end - p) + 1)) != NULL; p = nl + 1) {
		if (strncmp(p, "event: ", 7) == 0 && copy_line(p + 7, line, sizeof line))
			event = line;
		if (strncmp(p, "data: ", 6) == 0 && *data == NULL)
			*data = p + 6;
	}
	return *data != NULL && strcmp(event, name) == 0;
}

bool
fake_event(struct fake_conn *c, const char *name, int nth, char *out, size_t size)
{
	const char *p = strstr(fake_text(c), "\r\n\r\n"), *end, *data;

	for (p = p == NULL ? "" : p + 4; (end = strstr(p, "\n\n")) != NULL; p = end + 2)
		if (block_is(p, end, name, &data) && nth-- == 0)
			return copy_line(data, out, size);
	return false;
}

bool
fake_id(struct fake_conn *c, char *out, size_t size)
{
	const char *p = fake_text(c), *last = NULL;

	while ((p = strstr(p, "\nid: ")) != NULL) {
		p += 5;
		last = p;
	}
	return last != NULL && copy_line(last, out, size);
}
