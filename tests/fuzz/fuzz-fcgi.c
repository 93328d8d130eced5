/*
 * The FastCGI codec: whatever comes, it says the same whether it comes whole, in pieces or byte by
 * byte, keeps no more than it was allowed, and leaves nothing behind between requests.
 *
 * Input: a byte of switches, a byte that is the ceiling for variables, then what is sent.
 */
#include "config.h"

#include <string.h>

#include "err.h"
#include "fuzz.h"
#include "transcript.h"

#define AT_ONCE		1	/* requests are answered in the callback */
#define NO_BEGIN	2
#define NO_VARS		4
#define NO_BODY		8
#define NO_VAR		16

static void
prepare(struct transcript *t, uint8_t switches, uint8_t ceiling)
{
	transcript_init(t, ceiling);
	t->at_once = (switches & AT_ONCE) != 0;
	t->begin_fails = (switches & NO_BEGIN) != 0 ? -ERR_NOMEM : 0;
	t->vars_fails = (switches & NO_VARS) != 0 ? -ERR_LENGTH : 0;
	t->body_fails = (switches & NO_BODY) != 0 ? -ERR_TOOBIG : 0;
	t->var_fails = (switches & NO_VAR) != 0 ? "A" : NULL;
}

static void
check(const struct transcript *t)
{
	const struct fcgi *f = &t->fcgi;

	FUZZ_CHECK(f->vars == NULL || (f->vars->n > 0 && f->vars->n <= t->user.max_vars + 8u));
	FUZZ_CHECK(f->values == NULL || f->values->n > 0);
	FUZZ_CHECK(!fcgi_idle(f) || t->over || (f->vars == NULL && f->values == NULL));
	FUZZ_CHECK(f->room <= t->user.max_vars);
}

/* Pieces of `size` bytes, or of sizes that depend on the bytes themselves. */
static void
hear(struct transcript *t, const uint8_t *data, size_t size, size_t piece)
{
	size_t n;

	while (size > 0) {
		n = piece > 0 ? piece : 1 + data[0] % 13u;
		if (n > size)
			n = size;
		transcript_hear(t, str_make((const char *)data, n));
		check(t);
		data += n;
		size -= n;
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const size_t pieces[] = { 1, 0, 7 };
	struct transcript whole, cut;
	size_t i;

	if (size < 2)
		return 0;
	prepare(&whole, data[0], data[1]);
	hear(&whole, data + 2, size - 2, size);
	for (i = 0; i < sizeof pieces / sizeof *pieces; i++) {
		prepare(&cut, data[0], data[1]);
		hear(&cut, data + 2, size - 2, pieces[i]);
		FUZZ_CHECK(strcmp(transcript_words(&whole), transcript_words(&cut)) == 0);
		FUZZ_CHECK(whole.words.n == cut.words.n && whole.over == cut.over);
		transcript_release(&cut);
	}
	transcript_release(&whole);
	return 0;
}
