/* log - see log.h. Costs nothing below the chosen level. */
#include "config.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

#include "buf.h"
#include "log.h"

#define LOG_LINE	1024
#define LOG_ROOM	32	/* for the end of a record that was cut */

static const char *const names[LOG__MAX] = {
	[LOG_ERROR] = "error", [LOG_WARN] = "warn", [LOG_INFO] = "info", [LOG_DEBUG] = "debug",
};

static enum log_level limit = LOG_INFO;
static enum log_format format = LOG_LOGFMT;
static int sink = STDERR_FILENO;
static _Thread_local uint64_t about;

void
log_init(enum log_level most, int fd)
{
	limit = most;
	sink = fd;
}

void
log_use(enum log_format f)
{
	format = f;
}

bool
log_wants(enum log_level level)
{
	return level <= limit;
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

/* ---- requests ---- */

uint64_t
log_about(uint64_t request)
{
	uint64_t before = about;

	about = request;
	return before;
}

/* Six digits of base 32 that tell this process from others, from the time of its first request. */
static uint32_t
process_tag(void)
{
	static uint32_t tag;
	struct timespec now;

	if (tag == 0) {
		clock_gettime(CLOCK_REALTIME, &now);
		tag = ((uint32_t)now.tv_nsec ^ (uint32_t)now.tv_sec * 2654435761u ^ (uint32_t)getpid() * 40503u) | 1;
	}
	return tag;
}

void
log_name(uint64_t request, char out[LOG_NAME_MAX])
{
	static const char digits[] = "abcdefghijkmnpqrstuvwxyz23456789";
	uint32_t tag = process_tag();
	struct buf b = { .p = out, .size = LOG_NAME_MAX, .max = LOG_NAME_MAX - 1 };
	int i;

	for (i = 0; i < 6; i++, tag >>= 5)
		buf_addc(&b, digits[tag & 31]);
	buf_addc(&b, '-');
	buf_addu(&b, request);
	out[b.n] = '\0';
}

/* ---- text ---- */

/* The bytes of the UTF-8 character at i, by the lead byte's table of RFC 3629; 0: it is none. */
static size_t
char_at(struct str s, size_t i)
{
	unsigned char c = (unsigned char)s.p[i], second = i + 1 < s.n ? (unsigned char)s.p[i + 1] : 0;
	size_t n = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0, k;

	if (n == 0 || n > s.n - i || (c == 0xe0 && second < 0xa0) || (c == 0xed && second > 0x9f) ||
	    (c == 0xf0 && second < 0x90) || (c == 0xf4 && second > 0x8f))
		return 0;
	for (k = 1; k < n; k++)
		if (((unsigned char)s.p[i + k] & 0xc0) != 0x80)
			return 0;
	return n;
}

/* What a terminal would obey: C0, delete, and C1 in UTF-8. */
static bool
control(const char *p, size_t n)
{
	unsigned char c = (unsigned char)p[0];

	return (n == 1 && (c < 0x20 || c == 0x7f)) || (n == 2 && c == 0xc2 && (unsigned char)p[1] < 0xa0);
}

static void
add_control(struct buf *b, const char *p, size_t n)
{
	size_t i;

	if (format == LOG_JSON) {
		buf_addf(b, "\\u%04x", (unsigned char)p[n - 1]);	/* C1 is its second byte */
		return;
	}
	for (i = 0; i < n; i++)
		buf_addf(b, "\\x%02x", (unsigned char)p[i]);
}

/* What is no UTF-8 is told in logfmt, and replaced in JSON, which has no way to say it. false: there is no
 * room for more. */
static bool
add_char(struct buf *b, struct str s, size_t *i)
{
	size_t n = char_at(s, *i);
	const char *p = s.p + *i;

	if (b->n > LOG_LINE - LOG_ROOM)
		return false;
	*i += n > 0 ? n : 1;
	if (n == 0 && format == LOG_JSON)
		buf_addz(b, "\xef\xbf\xbd");
	else if (n == 0)
		buf_addf(b, "\\x%02x", (unsigned char)*p);
	else if (control(p, n))
		add_control(b, p, n);
	else if (*p == '"' || *p == '\\')
		buf_addf(b, "\\%c", *p);
	else
		buf_add(b, p, n);
	return true;
}

/* false: it was cut */
static bool
add_quoted(struct buf *b, struct str s)
{
	size_t i = 0;
	bool fits = true;

	buf_addc(b, '"');
	while (fits && i < s.n)
		fits = add_char(b, s, &i);
	buf_addc(b, '"');
	return fits;
}

/* ---- a record ---- */

static void
add_key(struct buf *b, const char *key)
{
	if (format == LOG_JSON)
		buf_addf(b, "%s\"%s\":", b->n > 1 ? "," : "", key);
	else
		buf_addf(b, "%s%s=", b->n > 0 ? " " : "", key);
}

static void
add_time(struct buf *b)
{
	const char *quote = format == LOG_JSON ? "\"" : "";
	struct timespec now;
	struct tm tm;
	char text[32];

	clock_gettime(CLOCK_REALTIME, &now);
	gmtime_r(&now.tv_sec, &tm);
	strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &tm);
	add_key(b, "time");
	buf_addf(b, "%s%s.%03ldZ%s", quote, text, now.tv_nsec / 1000000, quote);
}

static void
add_head(struct buf *b, enum log_level level, const char *event)
{
	char name[LOG_NAME_MAX];

	if (format == LOG_JSON)
		buf_addc(b, '{');
	add_time(b);
	add_key(b, "level");
	buf_addf(b, format == LOG_JSON ? "\"%s\"" : "%s", names[level]);
	add_key(b, "event");
	add_quoted(b, str_from(event));
	if (about == 0)
		return;
	log_name(about, name);
	add_key(b, "request");
	add_quoted(b, str_from(name));
}

/* false: the record ends here */
static bool
add_field(struct buf *b, const struct log_field *f)
{
	if (b->n + strlen(f->key) > LOG_LINE - 2 * LOG_ROOM)
		return false;
	add_key(b, f->key);
	if (!f->is_int)
		return add_quoted(b, f->text);
	buf_addf(b, "%lld", f->num);
	return true;
}

void
log_put(enum log_level level, const char *event, const struct log_field *f)
{
	char room[LOG_LINE];
	struct buf b = { .p = room, .size = sizeof room, .max = sizeof room };	/* a record needs no memory */
	ssize_t ignored;
	bool whole = true;

	if (level > limit)
		return;
	add_head(&b, level, event);
	for (; whole && f->key != NULL; f++)
		whole = add_field(&b, f);
	if (!whole) {
		add_key(&b, "cut");
		buf_addz(&b, "true");
	}
	buf_addz(&b, format == LOG_JSON ? "}\n" : "\n");
	ignored = write(sink, b.p, b.n);
	(void)ignored;
}
