/*
 * fuzz-star - the body of a POST to /star, on a whole hub with a second peer that listens.
 *
 * Whatever comes: there is an answer with a status of the contract, the hub stays sane, and the handshakes
 * both peers get are JSON objects on one line with two multiaddrs, of which the sender holds the one it
 * sends from. The hub is kept for some hundred inputs, because a fresh one costs a database.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include "fuzz.h"
#include "json.h"
#include "proto-star.h"

#define FORGET_AFTER	500	/* inputs; then both streams begin anew, so that nothing piles up */

static struct fake f;
static struct fake_conn *sender, *listener;
static int inputs;

static void
stop(void)
{
	if (!sender->conn.over)
		fake_gone(&f, sender);
	fake_gone(&f, listener);
	fake_free(sender);
	fake_free(listener);
	fake_stop(&f);
}

static void
begin(void)
{
	fake_start(&f);
	fake_run(&f);
	sender = fake_get(&f, "/star?addr=/a&token=t", NULL);
	listener = fake_get(&f, "/star?addr=/b&token=t", NULL);
	if (inputs == 1)
		atexit(stop);
}

static void
check_answer(struct fake_conn *c)
{
	struct json_member body;
	const char *p = strstr(fake_text(c), "\r\n\r\n");
	int status = fake_status(c);

	FUZZ_CHECK(status == 200 || status == 400 || status == 403 || status == 409 || status == 413 || status == 429);
	FUZZ_CHECK(p != NULL && json_value(str_from(p + 4), &body) == 0);
}

/* The listener holds what comes to it, and nobody but /a and what /a joined has sent it. */
static void
check_handshake(struct str data, bool own)
{
	struct json_member object;
	struct handshake h;

	FUZZ_CHECK(json_value(data, &object) == 0);
	FUZZ_CHECK(handshake_read(&object, &h) == NULL);
	FUZZ_CHECK(!str_eq(handshake_from(&h), STR("/b")));
	FUZZ_CHECK(own || str_eq(handshake_to(&h), STR("/b")));
	handshake_release(&h);
}

static void
check_heard(struct fake_conn *c)
{
	struct str line, rest = str_from(fake_text(c));
	bool shake = false;

	while (str_cut(rest, '\n', &line, &rest)) {
		if (str_starts(line, STR("event: ")))
			shake = str_eq(line, STR("event: ws-handshake"));
		else if (shake && str_starts(line, STR("data: ")))
			check_handshake(str_skip(line, 6), c == sender);
	}
	buf_clear(&c->read);
	buf_adds(&c->read, STR("\r\n\r\n"));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *body;
	struct fake_conn *c;

	if (memchr(data, '\0', size) != NULL || size > 65536)
		return 0;		/* the fake takes C strings; NULs are fuzz-json's */
	if (inputs++ % FORGET_AFTER == 0 || sender->conn.over) {
		if (inputs > 1)
			stop();
		begin();
	}
	body = malloc(size + 1);
	FUZZ_CHECK(body != NULL);
	memcpy(body, data, size);
	body[size] = '\0';
	c = fake_post(&f, "/star?addr=/a&token=t", body);
	if (fake_status(c) == 0)
		fake_pass(&f, 500);	/* it wants /b, whose holder is being asked */
	check_answer(c);
	fake_free(c);
	check_heard(sender);
	check_heard(listener);
	free(body);
	return 0;
}
