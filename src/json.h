/*
 * json - a strict JSON scanner (RFC 8259): a text is checked whole, then handed out in slices.
 *
 * What passes is one JSON value between optional blanks: UTF-8 throughout (no overlong forms, no
 * raw surrogates, nothing above U+10FFFF, no byte order mark), no raw control character inside a
 * string, at most JSON_DEPTH containers inside each other. Nothing is converted: every result is
 * a slice of the caller's bytes and good as long as they are, so a value is passed on exactly as
 * its sender wrote it.
 *
 * No recursion, no allocation, no state but the depth that is allowed; every function is linear in its text. Numbers may have
 * any length and magnitude. A string may hold "\ud800" without its other half: that is a
 * JavaScript string, and RFC 8259 §8.2 lets it pass (see json_text).
 */
#ifndef SIGPOST_JSON_H
#define SIGPOST_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"
#include "str.h"

#define JSON_DEPTH 32	/* "[[1]]" is two deep, "1" is zero deep */

enum json_kind {
	JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT, JSON__MAX
};

/* A member of an object, or an element of an array (then name is empty). */
struct json_member {
	struct str	name;	/* between its quotes, escapes as they were written: json_name_is */
	enum json_kind	kind;
	struct str	value;	/* as written, a string with its quotes; no blanks around it */
};

/* From now on texts may be this deep, 1 to JSON_DEPTH: the setting max_json_depth, once, at the start of a process. */
void	json_limit(unsigned depth);

/* 0: it is JSON. -ERR_BAD: it is not. -ERR_TOOBIG: deeper than JSON_DEPTH (what comes after the
 * bracket that is one too many was not looked at). */
int	json_check(struct str text);

/* Checks the text and hands it out as what it is, without a name. Errors as json_check. */
int	json_value(struct str text, struct json_member *m);

/*
 * Checks the text and lists the members of the object it is, in their order. *count is how many
 * there are; only the first `max` are in `out`.
 * -ERR_BAD: not JSON; -ERR_TYPE: JSON, but no object; -ERR_TOOBIG with *count 0: too deep;
 * -ERR_TOOBIG with *count > max: more members than max. *count is 0 for all but the last.
 * A name that stands there twice is listed twice (JavaScript's JSON.parse keeps the last).
 * (json_object would be the better name, but json-c has taken it.)
 */
int	json_members(struct str text, struct json_member *out, size_t max, size_t *count);

/* The same for a value that was handed out by these functions: it is not checked once more. */
int	json_members_of(const struct json_member *m, struct json_member *out, size_t max, size_t *count);

/* true if the member has this name (UTF-8), however it is written: "\u006fpen" is "open". */
bool	json_name_is(const struct json_member *m, const char *name);

/* The member of this name; where there are several the last one, as in JavaScript; NULL: none. */
const struct json_member *json_find(const struct json_member *m, size_t count, const char *name);

/*
 * The elements of an array, one after the other:
 *	for (rc = json_array(text, &it); rc == 0 && json_next(&it, &m); )
 * json_array checks the text: 0, -ERR_BAD, -ERR_TOOBIG (too deep), -ERR_TYPE (JSON, but no array).
 * json_next: false after the last. The iterator borrows the text and needs no release.
 */
struct json_iter {
	struct str	rest;	/* private: what follows the last element handed out */
};

int	json_array(struct str text, struct json_iter *it);
/* The same for a value that was handed out by these functions: it is not checked once more. */
int	json_elements_of(const struct json_member *m, struct json_iter *it);
bool	json_next(struct json_iter *it, struct json_member *m);

/*
 * The functions below take `value` as it stands in a struct json_member.
 *
 * json_text adds the text of a JSON string to out, escapes resolved. Half a surrogate pair is
 * written as the three bytes its code point would have ("\ud800" -> ed a0 80; WTF-8), so that
 * different JavaScript strings stay different bytes and equal ones equal; the result may
 * therefore not be UTF-8, and may hold NULs. -ERR_TYPE: no JSON string; else buf_err(out).
 */
int	json_text(struct str value, struct buf *out);

/* The length of a JSON string in UTF-16 code units, as JavaScript has it. -ERR_TYPE: no string. */
int	json_units(struct str value, size_t *units);

/* The integer a JSON number stands for: 1, 1.0, 1e0 and 10e-1 are 1, -0 is 0; computed exactly,
 * not in floating point. -ERR_BAD: no number, not whole, or not from min to max; *out unchanged. */
int	json_int(struct str value, int64_t min, int64_t max, int64_t *out);

/* Adds the value's own bytes without CR and LF between its tokens: one line, the same value. */
void	json_copy(struct buf *out, struct str value);

/* Adds a JSON string of any bytes. What is not UTF-8 becomes U+FFFD, one for each byte, except the
 * surrogates json_text writes, which become their escape again: quoting undoes json_text. */
void	json_quote(struct buf *out, struct str text);

/* The length of the UTF-8 sequence s begins with (RFC 3629 §4: nothing overlong, no surrogate,
 * nothing above U+10FFFF), 0 if it begins with none. */
size_t	json_utf8(struct str s);

/* true if it is UTF-8 throughout and holds no control character: it may show up in logs and terminals. */
bool	json_plain(struct str s);

#endif
