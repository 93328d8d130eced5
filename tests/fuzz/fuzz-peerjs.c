/*
 * fuzz-peerjs - the body of a POST of a peer, on a whole hub with a second peer that listens.
 *
 * Whatever comes: there is an answer with a status of the contract, the hub stays sane, and what the
 * second peer gets is JSON of at most the four members, with the sender's own id. The hub is kept for
 * some hundred inputs, because a fresh one costs a database.
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include "fuzz.h"
#include "json.h"

#define FORGET_AFTER	500	/* inputs; then both streams begin anew, so that nothing piles up */

static struct fake f;
static struct fake_conn *listener;
static int inputs;

static void
stop(void)
{
	fake_gone(&f, listener);
	fake_free(listener);
	fake_stop(&f);
}

/* The sender holds its id without a stream. */
static void
claim(void)
{
	struct fake_conn *sender = fake_get(&f, "/peerjs?key=peerjs&id=a&token=t", NULL);

	fake_gone(&f, sender);
	fake_free(sender);
}

static void
begin(void)
{
	fake_start(&f);
	fake_run(&f);
	claim();
	listener = fake_get(&f, "/peerjs?key=peerjs&id=b&token=t", NULL);
	if (inputs == 1)
		atexit(stop);
}

static void
check_answer(struct fake_conn *c)
{
	struct json_member body;
	const char *p = strstr(fake_text(c), "\r\n\r\n");
	int status = fake_status(c);

	FUZZ_CHECK(status == 200 || status == 400 || status == 413 || status == 429);
	FUZZ_CHECK(p != NULL && json_value(str_from(p + 4), &body) == 0);
	if (strstr(p, "\"left\"") != NULL)
		claim();
}

static void
check_event(struct str data)
{
	static const char *const names[] = { "type", "src", "dst", "payload" };
	struct json_member m[4];
	size_t i, count;

	FUZZ_CHECK(json_members(data, m, 4, &count) == 0);
	if (count == 1)
		return;		/* OPEN */
	FUZZ_CHECK(count >= 3);
	for (i = 0; i < count; i++)
		FUZZ_CHECK(json_name_is(&m[i], names[i]));
	FUZZ_CHECK(str_eq(m[1].value, STR("\"a\"")));
}

static void
check_heard(void)
{
	struct str line, rest = str_from(fake_text(listener));

	while (str_cut(rest, '\n', &line, &rest))
		if (str_starts(line, STR("data: ")) && !str_starts(line, STR("data: {\"from\"")))
			check_event(str_skip(line, 6));
	buf_clear(&listener->read);
	buf_adds(&listener->read, STR("\r\n\r\n"));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *body;
	struct fake_conn *c;

	if (memchr(data, '\0', size) != NULL || size > 65536)
		return 0;		/* the fake takes C strings; NULs are fuzz-json's */
	if (inputs++ % FORGET_AFTER == 0) {
		if (inputs > 1)
			stop();
		begin();
	}
	body = malloc(size + 1);
	FUZZ_CHECK(body != NULL);
	memcpy(body, data, size);
	body[size] = '\0';
	c = fake_post(&f, "/peerjs?key=peerjs&id=a&token=t", body);
	check_answer(c);
	fake_free(c);
	check_heard();
	free(body);
	return 0;
}
