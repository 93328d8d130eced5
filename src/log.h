/*
 * log - one line a record, as logfmt or JSON: time, level, event, the request it concerns, then key=value pairs.
 *
 * Values that come from outside go in as LOG_STR: they are quoted and every control character, quote and
 * backslash is escaped, so a record stays one line and cannot forge a pair. A line is UTF-8 whatever came in. Never
 * pass a token, a body, a path or a query string. A record is cut at 1 KiB, and says so (cut=true). Writes are one
 * write(2) each, unbuffered; a failing write is ignored.
 */
#ifndef SIGPOST_LOG_H
#define SIGPOST_LOG_H

#include "str.h"

enum log_format { LOG_LOGFMT, LOG_JSON };
enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG, LOG__MAX };

struct log_field {
	const char	*key;		/* NULL ends the fields */
	int		 is_int;
	long long	 num;
	struct str	 text;
};

#define LOG_INT(k, v)	{ .key = (k), .is_int = 1, .num = (long long)(v) }
#define LOG_STR(k, v)	{ .key = (k), .text = (v) }
#define LOG_Z(k, v)	{ .key = (k), .text = str_from(v) }

/* LOG(LOG_INFO, "hub started", LOG_INT("streams", n), LOG_Z("db", path)); */
#define LOG(level, event, ...) \
	log_put((level), (event), (const struct log_field[]){ __VA_ARGS__ __VA_OPT__(,) { .key = NULL } })

void	log_init(enum log_level most, int fd);	/* default: LOG_INFO to fd 2 */
void	log_use(enum log_format f);		/* default: LOG_LOGFMT */
bool	log_wants(enum log_level level);	/* whether a record of this level is written */
void	log_put(enum log_level level, const char *event, const struct log_field *fields);

/* Until the next call, records of this thread concern this request; 0: none. Requests have numbers that nobody
 * else of this process has. What it was before is returned. */
uint64_t	log_about(uint64_t request);

/* What a request is called in the log: "k3m9ab-17", the same for no other process. */
#define LOG_NAME_MAX 32
void	log_name(uint64_t request, char out[LOG_NAME_MAX]);

/* "error", "warn", "info", "debug" -> level; -1 for anything else */
int	log_level(struct str name);

#endif
