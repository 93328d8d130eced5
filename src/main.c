/*
 * main - finds out how sigpost was started, in this order, and never otherwise:
 *
 *	fd 0 is a listening socket	FastCGI
 *	GATEWAY_INTERFACE is set	CGI; argv is not looked at (RFC 3875, 4.4: a URL can fill it)
 *	else				the command line
 */
#include "config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "courier.h"
#include "log.h"
#include "service.h"

extern char **environ;

static int
run_fcgi(void)
{
	static struct conf conf;
	static struct service service;

	if (service_conf(&conf) < 0 || service_fcgi(&service, &conf, 0) < 0)
		return 1;
	return 0;
}

static void
alone_done(void *arg)
{
	service_leave(arg);
}

static int
refuse(const char *title)
{
	printf("Status: 503 Service Unavailable\r\nContent-Type: application/problem+json\r\n"
	    "Retry-After: 5\r\n\r\n{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":503,"
	    "\"detail\":\"The server's log says why.\"}\n", title);
	return 1;
}

static int
run_alone(void)
{
	static struct conf conf;
	static struct service service;

	if (service_conf(&conf) < 0)
		return refuse("The settings of this server are wrong");
	if (service_start(&service, &conf) < 0)
		return refuse("The store cannot be read or written");
	service.hub.alone = true;
	service.cgi = gate_cgi_alone(&service.hub, environ, alone_done, &service);
	if (service.cgi == NULL)
		service_leave(&service);
	service_run(&service);
	return 0;
}

static int
run_cgi(void)
{
	if (getenv("SIGPOST_ALONE") == NULL && courier_run() == COURIER_DONE)
		return 0;
	return run_alone();
}

/* ---- the command line ---- */

static const struct verb {
	const char	*name;
	int		(*run)(int argc, char **argv);
	const char	*help;		/* NULL: not for people */
} verbs[] = {
	{ "serve", cmd_serve, "serve everything on one port, through a lighttpd of its own" },
	{ "fcgi", cmd_fcgi, "serve FastCGI on a socket of its own, for an external web server" },
	{ "init", cmd_init, "make the database" },
	{ "check", cmd_check, "say what is wrong with a set-up, and what mends it" },
	{ "stat", cmd_stat, "show what the database holds" },
	{ "key", cmd_key, "list, add and change the API keys of PeerJS clients" },
	{ "hub", cmd_hub, NULL },
	{ "home", cmd_home, NULL },
};
static const size_t verb_count = sizeof verbs / sizeof verbs[0];

static int
help(FILE *to)
{
	size_t i;

	fprintf(to, "usage: sigpost VERB [--setting VALUE ...]\n\n");
	for (i = 0; i < verb_count; i++)
		if (verbs[i].help != NULL)
			fprintf(to, "  %-8s %s\n", verbs[i].name, verbs[i].help);
	fprintf(to, "\n  --help, --version\n\nsettings (environment: SIGPOST_NAME; in a file: --config FILE):\n");
	for (i = 0; i < conf_count; i++)
		fprintf(to, "  --%-20s %s\n", conf_rows[i].name, conf_rows[i].help);
	fprintf(to, "\nStarted by a web server as FastCGI or CGI it serves; see sigpost(8).\n");
	return to == stdout ? CMD_OK : CMD_USAGE;
}

static int
command_line(int argc, char **argv)
{
	size_t i;

	if (argc < 2)
		return help(stderr);
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
		return help(stdout);
	if (strcmp(argv[1], "--version") == 0) {
		printf("%s\n", PACKAGE_STRING);
		return CMD_OK;
	}
	for (i = 0; i < verb_count; i++)
		if (strcmp(argv[1], verbs[i].name) == 0)
			return verbs[i].run(argc - 1, argv + 1);
	fprintf(stderr, "sigpost: %s: there is no such verb; sigpost --help lists them\n", argv[1]);
	return CMD_USAGE;
}

int
main(int argc, char **argv)
{
	if (gate_fcgi_is_listening(0))
		return run_fcgi();
	if (getenv("GATEWAY_INTERFACE") != NULL)
		return run_cgi();
	return command_line(argc, argv);
}
