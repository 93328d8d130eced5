/* transcript - see transcript.h. */
#include "config.h"

#include <stdlib.h>
#include <string.h>

#include "err.h"
#include "list.h"
#include "records.h"
#include "transcript.h"

#define WORDS_MAX (16u << 20)

static struct transcript *
of(struct fcgi *f)
{
	return LIST_OF(f, struct transcript, fcgi);
}

static struct buf *
words(struct transcript *t)
{
	if (t->in_body)
		buf_addz(&t->words, ") ");
	t->in_body = false;
	return &t->words;
}

static int
on_begin(struct fcgi *f)
{
	buf_addf(words(of(f)), f->keep ? "begin(%u,keep) " : "begin(%u) ", f->id);
	return of(f)->begin_fails;
}

static int
on_var(struct fcgi *f, struct str name, struct str value)
{
	struct transcript *t = of(f);

	buf_adds(words(t), name);
	buf_addc(words(t), '=');
	buf_adds(words(t), value);
	buf_addc(words(t), ' ');
	return str_eq(name, str_from(t->var_fails)) && t->var_fails != NULL ? -ERR_TYPE : 0;
}

static int
on_vars(struct fcgi *f)
{
	buf_addz(words(of(f)), "vars ");
	return of(f)->vars_fails;
}

static int
on_body(struct fcgi *f, struct str bytes)
{
	struct transcript *t = of(f);

	if (t->body_fails < 0)
		return t->body_fails;
	if (!t->in_body)
		buf_addz(&t->words, "body(");
	t->in_body = true;
	buf_adds(&t->words, bytes);
	return 0;
}

static void
on_whole(struct fcgi *f)
{
	buf_addz(words(of(f)), "whole ");
	if (of(f)->at_once)
		fcgi_next(f);
}

static void
on_refused(struct fcgi *f, int err)
{
	buf_addf(words(of(f)), "refused(%s) ", err_name(err));
}

static void
on_abort(struct fcgi *f)
{
	buf_addz(words(of(f)), "abort ");
}

static void
on_answer(struct fcgi *f, struct str records)
{
	records_tell(words(of(f)), records);
}

void
transcript_init(struct transcript *t, uint32_t max_vars)
{
	*t = (struct transcript){ .user = {
		.max_vars = max_vars, .max_conns = 7, .begin = on_begin, .var = on_var,
		.vars = on_vars, .body = on_body, .whole = on_whole, .refused = on_refused,
		.abort = on_abort, .answer = on_answer,
	} };
	buf_init(&t->words, WORDS_MAX);
	fcgi_init(&t->fcgi);
}

void
transcript_release(struct transcript *t)
{
	fcgi_release(&t->fcgi);
	buf_release(&t->words);
}

void
transcript_hear(struct transcript *t, struct str bytes)
{
	ssize_t k;

	while (bytes.n > 0 && !t->over) {
		k = fcgi_eat(&t->fcgi, &t->user, bytes.p, bytes.n);
		if (k < 0) {
			buf_addf(words(t), "error(%s) ", err_name((int)k));
			t->over = true;
			return;
		}
		bytes = str_skip(bytes, (size_t)k);
		if (fcgi_paused(&t->fcgi)) {
			buf_addz(words(t), "paused ");
			fcgi_next(&t->fcgi);
		}
	}
}

void
transcript_hear_in(struct transcript *t, struct str bytes, size_t first, size_t then)
{
	size_t n = first;
	char *piece;

	while (bytes.n > 0) {
		n = n < bytes.n ? n : bytes.n;
		piece = malloc(n);
		if (piece == NULL)
			abort();
		memcpy(piece, bytes.p, n);
		transcript_hear(t, str_make(piece, n));
		free(piece);
		bytes = str_skip(bytes, n);
		n = then;
	}
}

const char *
transcript_words(struct transcript *t)
{
	buf_addc(words(t), '\0');
	t->words.n--;
	return t->words.p;
}
