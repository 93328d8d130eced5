/* frames - see frames.h. */
#include "config.h"

#include "frames.h"
#include "ws.h"

static void
put_number(struct buf *out, uint64_t n, int bytes)
{
	while (bytes-- > 0)
		buf_addc(out, (char)(n >> 8 * bytes & 0xff));
}

void
frame_put(struct buf *out, int first, struct str payload)
{
	static const unsigned char mask[] = { 0x37, 0xfa, 0x21, 0x3d };	/* RFC 6455, 5.7 */
	int form = payload.n < 126 ? (int)payload.n : payload.n <= 0xffff ? 126 : 127;
	size_t i;

	buf_addc(out, (char)first);
	buf_addc(out, (char)(0x80 | form));
	put_number(out, payload.n, form < 126 ? 0 : form == 126 ? 2 : 8);
	buf_add(out, mask, sizeof mask);
	for (i = 0; i < payload.n; i++)
		buf_addc(out, (char)((unsigned char)payload.p[i] ^ mask[i % 4]));
}

void
frame_put_close(struct buf *out, int code, struct str reason)
{
	struct buf b;

	buf_init(&b, 2 + reason.n);
	put_number(&b, (uint64_t)code, 2);
	buf_adds(&b, reason);
	frame_put(out, FIN | WS_CLOSE, buf_str(&b));
	buf_release(&b);
}

/* ---- what came ---- */

/* The bytes of the head of the first frame; 0: it is not all there. *n: of its payload. */
static size_t
head(struct str s, uint64_t *n)
{
	size_t bytes, i;
	int form;

	if (s.n < 2)
		return 0;
	form = (unsigned char)s.p[1];
	bytes = form < 126 ? 0 : form == 126 ? 2 : 8;
	if (s.n < 2 + bytes)
		return 0;
	*n = bytes == 0 ? (uint64_t)form : 0;
	for (i = 0; i < bytes; i++)
		*n = *n << 8 | (unsigned char)s.p[2 + i];
	return 2 + bytes;
}

static void
tell_close(struct buf *words, struct str payload)
{
	buf_addz(words, "close(");
	if (payload.n >= 2)
		buf_addf(words, "%d", (unsigned char)payload.p[0] << 8 | (unsigned char)payload.p[1]);
	if (payload.n > 2)
		buf_addc(words, ' ');
	buf_adds(words, str_skip(payload, 2));
}

static void
tell(struct buf *words, int first, struct str payload)
{
	static const struct { int first; const char *name; } names[] = {
		{ FIN | WS_TEXT, "text(" }, { FIN | WS_PING, "ping(" }, { FIN | WS_PONG, "pong(" },
	};
	size_t i;

	for (i = 0; i < sizeof names / sizeof *names && names[i].first != first; i++)
		;
	if (first == (FIN | WS_CLOSE)) {
		tell_close(words, payload);
	} else if (i < sizeof names / sizeof *names) {
		buf_addz(words, names[i].name);
		buf_adds(words, payload);
	} else {
		buf_addf(words, "frame(%02x ", (unsigned int)first);
		buf_adds(words, payload);
	}
	buf_addz(words, ") ");
}

bool
frames_tell(struct buf *words, struct str frames)
{
	uint64_t n = 0;
	size_t skip;

	while (frames.n > 0) {
		skip = head(frames, &n);
		if (skip == 0 || n > frames.n - skip) {
			buf_addz(words, "cut ");
			return false;
		}
		tell(words, (unsigned char)frames.p[0], str_make(frames.p + skip, (size_t)n));
		frames = str_skip(frames, skip + (size_t)n);
	}
	return true;
}
