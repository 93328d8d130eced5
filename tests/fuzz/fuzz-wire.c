/*
 * What leaves: any bytes as data of an event, read back as the HTML standard says a client does,
 * are the same data with every line break as LF, and one event. A cursor that can be read is
 * rendered as it was written.
 */
#include "config.h"

#include <string.h>

#include "err.h"
#include "fuzz.h"
#include "stream.h"
#include "wire.h"

/* The data an EventSource hands out for a stream of one event; false: it is not one event. */
static bool
read_back(struct str text, struct buf *data)
{
	struct str line;
	bool first = true;

	while (str_cut(text, '\n', &line, &text)) {
		if (line.n == 0)
			return text.n == 0 && !first;
		if (!str_starts(line, STR("data: ")) || memchr(line.p, '\r', line.n) != NULL)
			return false;
		if (!first)
			buf_addc(data, '\n');
		buf_adds(data, str_skip(line, 6));
		first = false;
	}
	return false;
}

static void
plain_breaks(struct str in, struct buf *out)
{
	for (; in.n > 0; in = str_skip(in, 1)) {
		if (str_starts(in, STR("\r\n")))
			in = str_skip(in, 1);
		buf_addc(out, in.p[0] == '\r' ? '\n' : in.p[0]);
	}
}

static void
check_event(struct str data)
{
	struct wire_event e = { .data = data };
	struct wire_state w = { 0 };
	struct buf out, got, want;

	buf_init(&out, 1u << 20);
	buf_init(&got, 1u << 20);
	buf_init(&want, 1u << 20);
	wire_sse.event(&w, &out, &e);
	plain_breaks(data, &want);
	if (buf_err(&out) == 0) {
		FUZZ_CHECK(read_back(buf_str(&out), &got));
		FUZZ_CHECK(str_eq(buf_str(&got), buf_str(&want)));
	}
	buf_release(&out);
	buf_release(&got);
	buf_release(&want);
}

static void
check_cursor(struct str text)
{
	struct stream s = { .box = 1 };
	char again[CURSOR_MAX];
	struct cursor c;
	struct str out;

	if (cursor_parse(text, &c) < 0)
		return;
	s.handled = c.has_handle;
	memcpy(s.handle, c.handle, HANDLE_SIZE);
	out = stream_cursor(&s, c.epoch, c.seq, again);
	FUZZ_CHECK(str_printable(out) && cursor_parse(out, &c) == 0);
	FUZZ_CHECK(out.n <= text.n);	/* but for leading zeros and capital digits it is the same */
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct str in = str_make((const char *)data, size);

	check_event(in);
	check_cursor(in);
	return 0;
}
