/* log - see log.h. Costs nothing below the chosen level. */
#include "config.h"

#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "log.h"

#define LOG_LINE 1024

static const char *const names[LOG__MAX] = {
	[LOG_ERROR] = "error", [LOG_WARN] = "warn", [LOG_INFO] = "info", [LOG_DEBUG] = "debug",
};

static enum log_level limit = LOG_INFO;
static int sink = STDERR_FILENO;

void
log_init(enum log_level most, int fd)
{
	limit = most;
	sink = fd;
}

int
log_level(struct str name)
{
	int i;

	for (i = 0; i < LOG__MAX; i++)
		if (str_eq(name, str_from(names[i])))
			return i;
	return -1;
}

static bool
is_c1(unsigned char c)
{
	return c >= 0x80 && c < 0xa0;
}

/* What a terminal would obey: C0, delete, and either byte of a C1 in UTF-8. */
static bool
control(struct str s, size_t i)
{
	unsigned char c = (unsigned char)s.p[i];

	if (c == 0xc2)
		return i + 1 < s.n && is_c1((unsigned char)s.p[i + 1]);
	return c < 0x20 || c == 0x7f || (is_c1(c) && i > 0 && (unsigned char)s.p[i - 1] == 0xc2);
}

static void
add_quoted(struct buf *b, struct str s)
{
	size_t i;

	buf_addc(b, '"');
	for (i = 0; i < s.n; i++) {
		unsigned char c = (unsigned char)s.p[i];

		if (c == '"' || c == '\\')
			buf_addf(b, "\\%c", c);
		else if (control(s, i))
			buf_addf(b, "\\x%02x", c);
		else
			buf_addc(b, (char)c);
	}
	buf_addc(b, '"');
}

static void
add_time(struct buf *b)
{
	struct timespec now;
	struct tm tm;
	char text[32];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
	buf_addf(b, "time=%s.%03ldZ", text, now.tv_nsec / 1000000);
}

/* A record that was cut, or found no more memory, ends in place of its last byte. */
static void
end_line(struct buf *b)
{
	b->err = 0;
	buf_addc(b, '\n');
	if (buf_err(b) != 0)
		b->p[b->n - 1] = '\n';
}

void
log_put(enum log_level level, const char *event, const struct log_field *f)
{
	struct buf b;
	ssize_t ignored;

	if (level > limit)
		return;
	buf_init(&b, LOG_LINE);
	add_time(&b);
	buf_addf(&b, " level=%s event=\"%s\"", names[level], event);
	for (; f->key != NULL; f++) {
		buf_addf(&b, " %s=", f->key);
		if (f->is_int)
			buf_addf(&b, "%lld", f->num);
		else
			add_quoted(&b, f->text);
	}
	if (b.n > 0) {
		end_line(&b);
		ignored = write(sink, b.p, b.n);
		(void)ignored;
	}
	buf_release(&b);
}
