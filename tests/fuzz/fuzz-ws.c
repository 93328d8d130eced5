/*
 * WebSocket frames: whatever comes, it says the same and answers the same whether it comes whole, in
 * pieces or byte by byte; text is UTF-8, no message is longer than it may be, nothing comes after the
 * end, and what is answered are whole frames.
 *
 * Input: a byte that is the ceiling for messages, then what a client sends.
 */
#include "config.h"

#include <string.h>

#include "err.h"
#include "frames.h"
#include "fuzz.h"
#include "json.h"
#include "ws.h"

#define WORDS_MAX	(1u << 22)

struct talk {
	struct ws_in	 in;
	struct buf	 words, out;
	size_t		 max;
	int		 rc;
};

static bool
is_utf8(struct str s)
{
	size_t n;

	for (; s.n > 0; s = str_skip(s, n)) {
		n = json_utf8(s);
		if (n == 0)
			return false;
	}
	return true;
}

static void
on_message(void *arg, enum ws_opcode opcode, struct str data, int code)
{
	struct talk *t = arg;

	FUZZ_CHECK(t->rc == 0);
	FUZZ_CHECK(opcode >= WS_CLOSE || data.n <= t->max);
	FUZZ_CHECK(opcode < WS_CLOSE || data.n <= 125);
	FUZZ_CHECK((opcode != WS_TEXT && opcode != WS_CLOSE) || is_utf8(data));
	FUZZ_CHECK((opcode == WS_CLOSE) == (code != 0));
	buf_addf(&t->words, "%d %d %zu ", (int)opcode, code, data.n);
	buf_adds(&t->words, data);
}

static void
eat(struct talk *t, struct str bytes)
{
	char *copy = malloc(bytes.n);

	FUZZ_CHECK(copy != NULL);
	memcpy(copy, bytes.p, bytes.n);
	t->rc = ws_eat(&t->in, str_make(copy, bytes.n), t->max, on_message, t, &t->out);
	FUZZ_CHECK(t->rc == 0 || t->rc == -ERR_CLOSED);
	FUZZ_CHECK(t->rc == 0 || t->in.ctx == NULL);
	free(copy);
}

/* Pieces of so many bytes; 0: of sizes that depend on the bytes themselves. */
static void
talk(struct talk *t, const uint8_t *data, size_t size, size_t piece)
{
	size_t n;

	ws_in_init(&t->in);
	buf_init(&t->words, WORDS_MAX);
	buf_init(&t->out, WORDS_MAX);
	t->rc = 0;
	for (; size > 0 && t->rc == 0; data += n, size -= n) {
		n = piece > 0 ? piece : 1 + data[0] % 13u;
		if (n > size)
			n = size;
		eat(t, str_make((const char *)data, n));
	}
	buf_addf(&t->words, "| %d ", t->rc);
	FUZZ_CHECK(frames_tell(&t->words, buf_str(&t->out)));
	buf_addc(&t->words, '\0');
	FUZZ_CHECK(buf_err(&t->words) == 0 && buf_err(&t->out) == 0);
}

static void
talk_release(struct talk *t)
{
	ws_in_release(&t->in);
	buf_release(&t->words);
	buf_release(&t->out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t pieces[] = { 1, 0, 7 };
	struct talk whole, cut;
	size_t i;

	if (size < 2)
		return 0;
	whole.max = cut.max = data[0];
	talk(&whole, data + 1, size - 1, size);
	for (i = 0; i < sizeof pieces / sizeof *pieces; i++) {
		talk(&cut, data + 1, size - 1, pieces[i]);
		FUZZ_CHECK(whole.rc == cut.rc && whole.words.n == cut.words.n);
		FUZZ_CHECK(memcmp(whole.words.p, cut.words.p, whole.words.n) == 0);
		talk_release(&cut);
	}
	talk_release(&whole);
	return 0;
}
