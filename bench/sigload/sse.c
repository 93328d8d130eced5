/* sse - see sse.h. A line that arrives whole is read where it lies. */
#include <string.h>

#include "sse.h"

/* The value of a field, if the line is of that field: behind the colon and one space. */
static const char *
value_of(const char *line, size_t len, const char *field, size_t *value_len)
{
	size_t skip = strlen(field);

	if (len < skip || memcmp(line, field, skip) != 0)
		return NULL;
	if (len > skip && line[skip] == ' ')
		skip++;
	*value_len = len - skip;
	return line + skip;
}

static void
name_event(struct sse *sse, const char *name, size_t len)
{
	if (len > sizeof sse->event - 1)
		len = sizeof sse->event - 1;
	memcpy(sse->event, name, len);
	sse->event[len] = '\0';
}

/* An empty line: the event is complete. */
static bool
dispatch(struct sse *sse, sse_event *call, void *arg)
{
	size_t len = sse->data.len;

	sse->data.len = 0;
	if (len > 0 && !call(arg, sse->event, sse->data.data, len))
		return false;
	sse->event[0] = '\0';
	return true;
}

static bool
take_line(struct sse *sse, const char *line, size_t len, sse_event *call, void *arg)
{
	const char *value;
	size_t value_len;

	if (len > 0 && line[len - 1] == '\r')
		len--;
	if (len == 0)
		return dispatch(sse, call, arg);
	if ((value = value_of(line, len, "data:", &value_len)) != NULL) {
		if (sse->data.len > 0)
			buf_add(&sse->data, "\n", 1);
		buf_add(&sse->data, value, value_len);
	} else if ((value = value_of(line, len, "event:", &value_len)) != NULL) {
		name_event(sse, value, value_len);
	}
	return true;
}

/* Takes a line whose beginning came with earlier bytes. */
static bool
take_joined(struct sse *sse, const char *end, size_t len, sse_event *call, void *arg)
{
	size_t whole;

	buf_add(&sse->line, end, len);
	whole = sse->line.len;
	sse->line.len = 0;
	return take_line(sse, sse->line.data, whole, call, arg);
}

void
sse_feed(struct sse *sse, const char *bytes, size_t len, sse_event *call, void *arg)
{
	const char *end;
	size_t line_len;
	bool more;

	while (len > 0 && (end = memchr(bytes, '\n', len)) != NULL) {
		line_len = (size_t)(end - bytes);
		more = sse->line.len ? take_joined(sse, bytes, line_len, call, arg)
		    : take_line(sse, bytes, line_len, call, arg);
		if (!more)
			return;
		len -= line_len + 1;
		bytes = end + 1;
	}
	buf_add(&sse->line, bytes, len);
}

void
sse_release(struct sse *sse)
{
	buf_release(&sse->line);
	buf_release(&sse->data);
	sse->event[0] = '\0';
}
