/*
 * cmd-serve-options - the command line of `sigpost serve`.
 *
 * Its options have the names that PeerJS's server taught its admins, in all their spellings
 * (--alive_timeout, --alive-timeout, --aliveTimeout, -p 9000, -p9000), with the same units. Most are
 * another name of a setting. Each argument is rewritten into the one form that cmd_settings takes; what is
 * no option here is left to it.
 */
#include "config.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd-serve.h"
#include "err.h"

#define ARGS_MAX	256
#define NAME_SIZE	40
#define LOOPBACK	"127.0.0.0/8 ::1"	/* where a proxy on the same machine comes from */
#define BEAT_MS		25000	/* heartbeats are rare enough then */

enum kind {
	OWN,		/* takes a value, for us */
	SETTING,	/* another name of the setting `to` */
	SWITCH,		/* on where it is named without true or false */
	PROXIED,	/* a switch for a setting that is a list */
	LIFE,		/* alive_timeout: several settings */
	LIST,		/* cors: all that is said makes one setting */
	TELL_HELP, TELL_VERSION,	/* and that is all */
};

static const struct option {
	const char	*name;		/* with '_' */
	char		 letter;	/* '\0': none */
	enum kind	 kind;
	const char	*to;
	const char	*value, *help;	/* help NULL: said at another name */
} options[] = {
	{ "port", 'p', OWN, "port", "NUMBER", "where to listen (9000)" },
	{ "host", 'H', OWN, "host", "ADDRESS", "on which address (127.0.0.1; all: 0.0.0.0 or ::)" },
	{ "path", 0, OWN, "path", "PATH", "where the API lives, as in /myapp (/)" },
	{ "key", 'k', SETTING, "peerjs_key", "KEY", "the one API key of PeerJS clients (all in the database)" },
	{ "allow_discovery", 0, SWITCH, "discovery", "", "who knows the key may list who is there" },
	{ "concurrent_limit", 'c', SETTING, "max_peers", "NUMBER", "PeerJS clients at a time (5000)" },
	{ "expire_timeout", 't', SETTING, "peerjs_expire_ms", "MS", "when a message nobody took expires (5000)" },
	{ "alive_timeout", 0, LIFE, "alive", "MS", "when a client that is silent is gone" },
	{ "cors", 0, LIST, "origins", "ORIGIN ...", "whose pages may use this server (all)" },
	{ "proxied", 0, PROXIED, "trusted_proxies", "", "a proxy on this machine says whose requests they are" },
	{ "tls_cert", 0, OWN, "tls-cert", "FILE", "serve by TLS, with this certificate in PEM" },
	{ "tls_key", 0, OWN, "tls-key", "FILE", "its private key (else in the same file)" },
	{ "tls_ca", 0, OWN, "tls-ca", "FILE", "certificates between it and the root" },
	{ "sslcert", 0, OWN, "tls-cert", "", NULL },
	{ "sslkey", 0, OWN, "tls-key", "", NULL },
	{ "http_port", 0, OWN, "http-port", "NUMBER", "where plain HTTP leads to TLS (nowhere)" },
	{ "http2", 0, SWITCH, "http2", "on|off", "(on)" },
	{ "www", 0, OWN, "www", "DIRECTORY", "the pages served below www/" },
	{ "procs", 0, OWN, "procs", "NUMBER", "backend processes (1)" },
	{ "help", 'h', TELL_HELP, NULL, "", NULL },
	{ "version", 'v', TELL_VERSION, NULL, "", NULL },
};
static const size_t option_count = sizeof options / sizeof options[0];

static char *args[ARGS_MAX + 1];	/* what cmd_settings is given */
static int arg_count;

static int
complain(const char *what, const char *why)
{
	return serve_fail(CMD_USAGE, what, why);
}

/* ---- names ---- */

/* "alive-timeout" and "aliveTimeout" as "alive_timeout"; false: no name of ours is that long. */
static bool
plain_name(struct str s, char out[NAME_SIZE])
{
	size_t i, n = 0;

	for (i = 0; i < s.n; i++) {
		if (n + 3 > NAME_SIZE)
			return false;
		if (i > 0 && isupper((unsigned char)s.p[i]))
			out[n++] = '_';
		out[n++] = s.p[i] == '-' ? '_' : (char)tolower((unsigned char)s.p[i]);
	}
	out[n] = '\0';
	return true;
}

static const struct option *
find_name(struct str name)
{
	char plain[NAME_SIZE];
	size_t i;

	if (!plain_name(name, plain))
		return NULL;
	for (i = 0; i < option_count; i++)
		if (strcmp(options[i].name, plain) == 0)
			return &options[i];
	return NULL;
}

static const struct option *
find_letter(char c)
{
	size_t i;

	for (i = 0; i < option_count; i++)
		if (c != '\0' && options[i].letter == c)
			return &options[i];
	return NULL;
}

/* ---- one argument ---- */

/* For the settings and options that cmd_settings knows. */
static int
emit(const char *name, struct str value)
{
	size_t size = strlen(name) + value.n + 4;
	char *arg = malloc(size);

	if (arg == NULL || arg_count == ARGS_MAX) {
		free(arg);
		return complain("the command line", "it is too long");
	}
	snprintf(arg, size, "--%s=%.*s", name, (int)value.n, value.p);
	args[arg_count++] = arg;
	return CMD_OK;
}

static int
emit_setting(const struct option *o, const char *said, struct str value)
{
	static struct conf scratch;
	static char sentence[640];
	const char *why;

	if (conf_set(&scratch, str_from(o->to), value, CONF_COMMAND_LINE, &why) < 0) {
		snprintf(sentence, sizeof sentence, "it stands for a setting: %s", why);
		return complain(said, sentence);
	}
	return emit(o->to, value);
}

static int
emit_ms(const char *name, int64_t ms)
{
	char text[24];

	snprintf(text, sizeof text, "%lld", (long long)ms);
	return emit(name, str_from(text));
}

/*
 * PeerJS's server takes a client away that was silent for so long. Here a WebSocket is cut after four heartbeats
 * without an answer, and its id is kept for away_ms: half the time for each, but heartbeats need not be rarer
 * than they are.
 */
static int
emit_life(const char *said, struct str value)
{
	static const struct conf_row row = {
		.name = "alive_timeout", .type = CONF_IS_TIME, .is_int = true, .def = 60000, .least = 2000, .most = 86400000,
	};
	int64_t ms, beat;
	const char *why;

	if (conf_value(&row, value, &ms, &why) < 0)
		return complain(said, why);
	beat = ms / 8 < BEAT_MS ? ms / 8 : BEAT_MS;
	if (emit_ms("heartbeat_min_ms", beat * 3 / 5) != CMD_OK || emit_ms("heartbeat_max_ms", beat) != CMD_OK)
		return CMD_USAGE;
	return emit_ms("away_ms", ms - 4 * beat);
}

static const char *
on_or_off(struct str s)
{
	if (str_eq(s, STR("true")) || str_eq(s, STR("on")))
		return "on";
	return str_eq(s, STR("false")) || str_eq(s, STR("off")) ? "off" : NULL;
}

/* A switch takes the next argument only if that is a word for it. How many arguments it used, or < 0. */
static int
take_switch(const struct option *o, char **argv, const struct str *inlined)
{
	const char *word = inlined != NULL ? on_or_off(*inlined) : on_or_off(str_from(argv[1]));
	int used = inlined == NULL && word != NULL ? 2 : 1;

	if (inlined != NULL && word == NULL)
		return -complain(argv[0], "it is true or false");
	if (word == NULL)
		word = "on";
	if (o->kind == PROXIED)
		word = strcmp(word, "on") == 0 ? LOOPBACK : "";
	return emit(o->to, str_from(word)) != CMD_OK ? -CMD_USAGE : used;
}

/* Takes all that follows, up to the next option, as PeerJS's parser does. How many arguments it used, or < 0. */
static int
take_list(const struct option *o, char **argv, const struct str *inlined)
{
	static char all[CONF_STR_MAX];
	size_t n = strlen(all);
	int used = 1;

	if (inlined != NULL)
		n += (size_t)snprintf(all + n, sizeof all - n, "%s%.*s", n > 0 ? "," : "", (int)inlined->n, inlined->p);
	for (; inlined == NULL && argv[used] != NULL && argv[used][0] != '-' && n < sizeof all; used++)
		n += (size_t)snprintf(all + n, sizeof all - n, "%s%s", n > 0 ? "," : "", argv[used]);
	if (n >= sizeof all)
		return -complain(argv[0], "these are too many");
	return emit_setting(o, argv[0], str_from(all)) != CMD_OK ? -CMD_USAGE : used;
}

static int
take(const struct option *o, char **argv, const struct str *inlined)
{
	struct str value;
	int rc;

	if (o->kind == SWITCH || o->kind == PROXIED)
		return take_switch(o, argv, inlined);
	if (inlined == NULL && (argv[1] == NULL || (o->kind == LIST && argv[1][0] == '-')))
		return -complain(argv[0], "it needs a value");
	if (o->kind == LIST)
		return take_list(o, argv, inlined);
	value = inlined != NULL ? *inlined : str_from(argv[1]);
	if (o->kind == SETTING)
		rc = emit_setting(o, argv[0], value);
	else
		rc = o->kind == LIFE ? emit_life(argv[0], value) : emit(o->to, value);
	return rc != CMD_OK ? -rc : inlined != NULL ? 1 : 2;
}

/* What an argument names: an option of ours, or NULL. *inlined gets the value that stands in it. */
static const struct option *
look(const char *arg, struct str *inlined, bool *has)
{
	struct str name;

	*has = false;
	if (str_starts(str_from(arg), STR("--"))) {
		*has = str_cut(str_skip(str_from(arg), 2), '=', &name, inlined);
		return find_name(name);
	}
	if (arg[0] != '-')
		return NULL;
	*has = arg[1] != '\0' && arg[2] != '\0';
	*inlined = *has ? str_from(arg + (arg[2] == '=' ? 3 : 2)) : STR_NONE;
	return find_letter(arg[1]);
}

/* A setting by its own name, with its value, for cmd_settings to judge. */
static int
pass_on(char **argv)
{
	int i, n = str_starts(str_from(argv[0]), STR("--")) && strchr(argv[0], '=') == NULL && argv[1] != NULL ? 2 : 1;

	if (arg_count + n > ARGS_MAX)
		return -complain("the command line", "it is too long");
	for (i = 0; i < n; i++) {
		args[arg_count] = strdup(argv[i]);
		if (args[arg_count++] == NULL)
			return -complain("the command line", "there is no memory for it");
	}
	return n;
}

/* ---- all of them ---- */

static void
help(void)
{
	char left[64];
	size_t i;

	printf("usage: sigpost serve [option ...]\n\n");
	for (i = 0; i < option_count; i++) {
		const struct option *o = &options[i];

		if (o->help == NULL)
			continue;
		snprintf(left, sizeof left, "%c%c%c --%s %s", o->letter != '\0' ? '-' : ' ',
		    o->letter != '\0' ? o->letter : ' ', o->letter != '\0' ? ',' : ' ', o->name, o->value);
		printf("  %-32s %s\n", left, o->help);
	}
	printf("  -h, --help, -v, --version\n\nand every setting, as --name VALUE: sigpost --help lists them.\n");
}

/* CMD_OK; or the exit code with *done, or after one sentence. */
static int
rewrite(int argc, char **argv, bool *done)
{
	struct str inlined = STR_NONE;
	const struct option *o;
	bool has;
	int i, used;

	emit("", STR_NONE);	/* the verb's place */
	for (i = 1; i < argc; i += used) {
		o = look(argv[i], &inlined, &has);
		if (o != NULL && o->kind >= TELL_HELP) {
			*done = true;
			if (o->kind == TELL_HELP)
				help();
			else
				printf("%s\n", PACKAGE_STRING);
			return CMD_OK;
		}
		used = o == NULL ? pass_on(argv + i) : take(o, argv + i, has ? &inlined : NULL);
		if (used < 0)
			return -used;
	}
	return CMD_OK;
}

int
serve_options(struct serve *s, int argc, char **argv, bool *done)
{
	const char *path = NULL;
	const struct cmd_option own[] = {
		{ "port", &s->port, NULL }, { "host", &s->host, NULL }, { "path", &path, NULL },
		{ "www", &s->www, NULL }, { "procs", &s->procs, NULL },
		{ "discovery", &s->discovery, NULL },
		{ "tls-cert", &s->cert, NULL }, { "tls-key", &s->key, NULL }, { "tls-ca", &s->ca, NULL },
		{ "http2", &s->http2, NULL }, { "http-port", &s->http_port, NULL },
		{ NULL, NULL, NULL },
	};
	int rc = rewrite(argc, argv, done);

	if (rc != CMD_OK || *done)
		return rc;
	if (cmd_settings(&s->conf, arg_count, args, own) != 0)
		return CMD_USAGE;
	return serve_check(s, path);
}
