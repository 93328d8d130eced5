/* conf-file - see conf-file.h. */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf-file.h"
#include "err.h"

/* ---- the file ---- */

const char *
conf_file(bool *must)
{
	const char *named = getenv("SIGPOST_CONFIG");

	*must = named != NULL;
	if (named == NULL)
		return SIGPOST_SYSCONFDIR "/sigpost/sigpost.conf";
	return named[0] != '\0' ? named : NULL;
}

static int
refuse(const char *what, const char **why)
{
	*why = what;
	return -ERR_BAD;
}

static int
cannot_open(const char **why)
{
	if (errno == ENOENT || errno == ENOTDIR) {
		*why = "there is no such file";
		return -ERR_NOTFOUND;
	}
	if (errno == EACCES)
		return refuse("this user may not read it; let the user that serves read it, or name another file", why);
	return refuse(strerror(errno), why);
}

/* A device is fine for /dev/null. */
static int
read_all(int fd, char *buf, struct str *out, const char **why)
{
	struct stat st;
	size_t n = 0;
	ssize_t got;

	if (fstat(fd, &st) < 0)
		return refuse(strerror(errno), why);
	if (!S_ISREG(st.st_mode) && !S_ISCHR(st.st_mode))
		return refuse(S_ISDIR(st.st_mode) ? "this is a directory, not a file of settings" :
		    "this is no file of settings", why);
	do {
		got = read(fd, buf + n, CONF_FILE_BYTES + 1 - n);
		n += got > 0 ? (size_t)got : 0;
	} while ((got > 0 && n <= CONF_FILE_BYTES) || (got < 0 && errno == EINTR));
	if (got < 0)
		return refuse(strerror(errno), why);
	if (n > CONF_FILE_BYTES)
		return refuse("a file of settings has at most 65536 bytes", why);
	*out = str_make(buf, n);
	return 0;
}

int
conf_file_read(const char *path, char *buf, struct str *out, const char **why)
{
	int fd = open(path, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC), rc;

	if (fd < 0)
		return cannot_open(why);
	rc = read_all(fd, buf, out, why);
	close(fd);
	return rc;
}

/* ---- its lines ---- */

/* The value without quotes and comment. */
static int
take_value(struct str s, struct str *out, const char **why)
{
	struct str after;
	size_t i;

	s = str_trim(s);
	if (str_starts(s, STR("\""))) {
		if (!str_cut(str_skip(s, 1), '"', out, &after))
			return refuse("the quote is not closed", why);
		after = str_trim(after);
		return after.n == 0 || after.p[0] == '#' ? 0 :
		    refuse("nothing but a comment may follow the closing quote", why);
	}
	for (i = 0; i < s.n; i++)
		if (s.p[i] == '#' && (i == 0 || s.p[i - 1] == ' ' || s.p[i - 1] == '\t'))
			break;
	*out = str_trim(str_make(s.p, i));
	return 0;
}

static int
take_line(struct str text, struct conf_line *line, const char **why)
{
	struct str name, value;

	if (text.n > 0 && memchr(text.p, '\0', text.n) != NULL)
		return refuse("there is a NUL byte; settings are text", why);
	if (!str_cut(text, '=', &name, &value) || str_trim(name).n == 0)
		return refuse("a line is \"name = value\", a comment that begins with #, or empty", why);
	line->name = str_trim(name);
	return take_value(value, &line->value, why);
}

int
conf_file_next(struct str *rest, struct conf_line *line, const char **why)
{
	struct str text, said;

	if (line->number == 0 && str_starts(*rest, STR("\xef\xbb\xbf")))
		*rest = str_skip(*rest, 3);
	while (rest->n > 0) {
		str_cut(*rest, '\n', &text, rest);
		line->number++;
		if (text.n > 0 && text.p[text.n - 1] == '\r')
			text.n--;
		if (text.n > CONF_FILE_LINE)
			return refuse("the line is longer than 4352 bytes", why);
		said = str_trim(text);
		if (said.n > 0 && said.p[0] != '#') {
			int rc = take_line(text, line, why);

			return rc < 0 ? rc : 1;
		}
	}
	return 0;
}

/* ---- the database ---- */

int
conf_file_beside(const char *file, struct str path, char *out, size_t size)
{
	const char *slash = strrchr(file, '/');
	size_t n = slash == NULL || path.n == 0 || path.p[0] == '/' ? 0 : (size_t)(slash - file) + 1;

	if (n + path.n >= size)
		return -ERR_TOOBIG;
	memcpy(out, file, n);
	return str_copy(path, out + n, size - n);
}

int
conf_file_db(char *out, size_t size)
{
	static char buf[CONF_FILE_BYTES + 1];
	struct conf_line line = { .number = 0 };
	struct str rest;
	const char *why;
	bool must;
	const char *path = conf_file(&must);
	int rc = path == NULL ? -ERR_NOTFOUND : path[0] != '/' ? -ERR_BAD : conf_file_read(path, buf, &rest, &why);

	if (rc < 0)
		return must && path != NULL ? -ERR_BAD : rc;
	while ((rc = conf_file_next(&rest, &line, &why)) > 0)
		if (str_eq(line.name, STR("db")))
			return conf_file_beside(path, line.value, out, size) < 0 ? -ERR_BAD : 0;
	return rc < 0 ? rc : -ERR_NOTFOUND;
}
