/*
 * replay - runs a harness over a directory of inputs, then over mutations of them; TAP.
 *
 *	replay-X [FILE...]	default: every file in $srcdir/tests/fuzz/corpus-X
 *
 * FUZZ_MUTATIONS is how many of each input (200). They are drawn from the input's own bytes and
 * a number, so a run does the same every time on every machine. Whatever ends the process, its
 * last input is left in ./replay-X.crash and named on stdout.
 */
#include "config.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "fuzz.h"

#define FILE_MAX 65536		/* an input's bytes; a mutation's, too */
#define FILES_MAX 1024

struct input {
	char	*path;
	uint8_t	*bytes;
	size_t	 n;
};

static struct input inputs[FILES_MAX];
static size_t count;

/* What is being run; read by the handlers below. */
static uint8_t current[FILE_MAX];
static size_t current_n;
static const char *current_path = "";
static char crash_path[256];

static void
die(const char *what)
{
	printf("Bail out! %s\n", what);
	exit(1);
}

/* ---- when it goes wrong */

static void
say(int fd, const void *p, size_t n)
{
	ssize_t ignored = write(fd, p, n);

	(void)ignored;
}

static void
leave_crash(void)
{
	static const char text[] = "not ok - died on a mutation (or all) of ";
	int fd = open(crash_path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd >= 0)
		say(fd, current, current_n);
	say(STDOUT_FILENO, text, sizeof text - 1);
	say(STDOUT_FILENO, current_path, strlen(current_path));
	say(STDOUT_FILENO, ", left in ", 10);
	say(STDOUT_FILENO, crash_path, strlen(crash_path));
	say(STDOUT_FILENO, "\n", 1);
}

static void
on_signal(int sig)
{
	leave_crash();
	signal(sig, SIG_DFL);
	raise(sig);
}

/* There in a build with sanitizers, which end the process by themselves. */
void	__sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

static void
watch_for_death(void)
{
	static const int signals[] = { SIGABRT, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGALRM };
	size_t i;

	if (__sanitizer_set_death_callback != NULL)
		__sanitizer_set_death_callback(leave_crash);
	for (i = 0; i < sizeof signals / sizeof *signals; i++)
		signal(signals[i], on_signal);
}

/* ---- inputs */

static void
read_input(const char *path)
{
	struct input *in = &inputs[count];
	FILE *f = fopen(path, "rb");

	if (f == NULL || count == FILES_MAX)
		die(path);
	in->path = strdup(path);
	in->bytes = malloc(FILE_MAX);
	if (in->path == NULL || in->bytes == NULL)
		die("no memory");
	in->n = fread(in->bytes, 1, FILE_MAX, f);
	fclose(f);
	count++;
}

static int
visible(const struct dirent *e)
{
	return e->d_name[0] != '.';
}

static void
read_directory(const char *dir)
{
	struct dirent **names;
	char path[4096 + 1 + NAME_MAX];
	int i, n = scandir(dir, &names, visible, alphasort);

	if (n < 0)
		die(dir);
	for (i = 0; i < n; i++) {
		snprintf(path, sizeof path, "%s/%s", dir, names[i]->d_name);
		read_input(path);
		free(names[i]);
	}
	free(names);
}

/* ---- mutations */

static uint64_t state;

/* xorshift64 */
static size_t
draw(size_t below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return below > 0 ? (size_t)(state >> 16) % below : 0;
}

/* FNV-1a of the input, so that an added file changes nobody else's mutations. */
static void
seed(const struct input *in, unsigned which)
{
	size_t i;

	state = 0xcbf29ce484222325u + which;
	for (i = 0; i < in->n; i++)
		state = (state ^ in->bytes[i]) * 0x100000001b3u;
	state |= 1;
	draw(1);
}

static void
cut_out(size_t at, size_t n)
{
	memmove(current + at, current + at + n, current_n - at - n);
	current_n -= n;
}

static void
put_in(size_t at, const uint8_t *p, size_t n)
{
	if (n > FILE_MAX - current_n)
		n = FILE_MAX - current_n;
	memmove(current + at + n, current + at, current_n - at);
	memcpy(current + at, p, n);
	current_n += n;
}

/* A part of any input, put in anywhere. */
static void
put_part_of(const struct input *in)
{
	size_t from = draw(in->n + 1);

	put_in(draw(current_n + 1), in->bytes + from, draw(in->n - from + 1));
}

static void
mutate_once(const struct input *in)
{
	static const uint8_t edges[] = "\0\x01\x7f\x80\xff\r\n \t\"\\/{}[]:,&=%;-.0e9uU";
	size_t at = draw(current_n + 1);
	uint8_t byte;

	switch (current_n == 0 ? 4 : draw(7)) {
	case 0:
		current[draw(current_n)] ^= (uint8_t)(1u << draw(8));
		break;
	case 1:
		current[draw(current_n)] = edges[draw(sizeof edges - 1)];
		break;
	case 2:
		cut_out(at, draw(current_n - at + 1));
		break;
	case 3:
		cut_out(draw(current_n), 1);
		break;
	case 4:
		byte = edges[draw(sizeof edges - 1)];
		put_in(at, &byte, 1);
		break;
	case 5:
		put_part_of(in);
		break;
	default:
		put_part_of(&inputs[draw(count)]);
	}
}

static void
run(const struct input *in, unsigned which)
{
	size_t times;
	uint8_t *tight;

	current_path = in->path;
	memcpy(current, in->bytes, in->n);
	current_n = in->n;
	if (which > 0) {
		seed(in, which);
		for (times = 1 + draw(4); times > 0; times--)
			mutate_once(in);
	}
	/* its own block, so that a sanitizer sees where it ends */
	tight = malloc(current_n > 0 ? current_n : 1);
	if (tight == NULL)
		die("no memory");
	memcpy(tight, current, current_n);
	LLVMFuzzerTestOneInput(tight, current_n);
	free(tight);
}

/* replay-X, maybe with a path and libtool's lt- before it -> X */
static const char *
harness(const char *argv0)
{
	const char *at = strstr(argv0, "replay-"), *next;

	if (at == NULL)
		die("this program is called replay-SOMETHING");
	while ((next = strstr(at + 1, "replay-")) != NULL)
		at = next;
	return at + strlen("replay-");
}

static void
read_all(const char *name, int argc, char **argv)
{
	const char *srcdir = getenv("srcdir");
	char dir[4096];
	int i;

	for (i = 1; i < argc; i++)
		read_input(argv[i]);
	if (argc > 1)
		return;
	snprintf(dir, sizeof dir, "%s/tests/fuzz/corpus-%s", srcdir != NULL ? srcdir : ".", name);
	read_directory(dir);
}

int
main(int argc, char **argv)
{
	const char *name = harness(argv[0]), *wanted = getenv("FUZZ_MUTATIONS");
	unsigned which, mutations = wanted != NULL ? (unsigned)strtoul(wanted, NULL, 10) : 200;
	size_t i;

	setvbuf(stdout, NULL, _IONBF, 0);
	snprintf(crash_path, sizeof crash_path, "replay-%s.crash", name);
	printf("1..2\n");
	read_all(name, argc, argv);
	watch_for_death();
	alarm(300);
	for (i = 0; i < count; i++)
		run(&inputs[i], 0);
	printf("%s 1 - %zu inputs\n", count > 0 ? "ok" : "not ok", count);
	for (i = 0; i < count; i++)
		for (which = 1; which <= mutations; which++)
			run(&inputs[i], which);
	printf("ok 2 - %u mutations of each\n", mutations);
	for (i = 0; i < count; i++) {
		free(inputs[i].path);
		free(inputs[i].bytes);
	}
	return count == 0;
}
