/*
 * sigpost hub - the process a courier founds (courier.c): a hub behind the CGI door and nothing
 * else. Its socket and its lock are inherited, so there is no moment in which nobody listens.
 * It leaves by itself when nothing was going on for hub_idle_ms; its log file stays small.
 */
#include "config.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd.h"
#include "courier.h"
#include "log.h"
#include "service.h"

struct inherited {
	const char	*listening, *lock, *ready;
};

/* A descriptor by its number; -1 if it is none. */
static int
open_fd(const char *text)
{
	uint64_t fd;

	if (str_uint(str_from(text), INT32_MAX, &fd) < 0 || fcntl((int)fd, F_GETFD) < 0)
		return -1;
	return (int)fd;
}

static void
trim_log(void)
{
	struct stat st;

	if (fstat(STDERR_FILENO, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > COURIER_LOG_MAX &&
	    ftruncate(STDERR_FILENO, 0) < 0)
		log_init(LOG_ERROR, STDERR_FILENO);
}

static void
each_second(struct service *s)
{
	const struct hub *hub = &s->hub;

	trim_log();
	if (hub->streams == 0 && gate_cgi_conns(s->cgi) == 0 && !hub->draining &&
	    loop_mono(&s->loop) - hub->idle_since >= hub->conf->hub_idle_ms)
		service_leave(s);
}

static int
run(struct service *s, const struct conf *conf, int listening, int lock, int ready)
{
	if (service_start(s, conf) < 0)
		return CMD_FAILED;
	s->cgi = gate_cgi_new(&s->hub, listening, lock);
	if (s->cgi == NULL)
		service_leave(s);
	else {
		/* Whoever founded us may have been killed meanwhile; others are waiting. */
		if (write(ready, "!", 1) != 1)
			LOG(LOG_INFO, "the founder did not wait");
		service_each_second(s, each_second);
	}
	close(ready);
	service_run(s);
	return CMD_OK;
}

int
cmd_hub(int argc, char **argv)
{
	static struct conf conf;
	static struct service service;
	struct inherited in = { NULL, NULL, NULL };
	const struct cmd_option own[] = {
		{ "listen-fd", &in.listening, NULL }, { "lock-fd", &in.lock, NULL },
		{ "ready-fd", &in.ready, NULL }, { NULL, NULL, NULL },
	};
	int listening, lock, ready;

	if (cmd_settings(&conf, argc, argv, own) != 0)
		return CMD_USAGE;
	listening = open_fd(in.listening);
	lock = open_fd(in.lock);
	ready = open_fd(in.ready);
	if (listening < 0 || lock < 0 || ready < 0) {
		fprintf(stderr, "sigpost hub: it is started by sigpost.cgi, which gives it its "
		    "descriptors\n");
		return CMD_USAGE;
	}
	service_log(&conf);
	return run(&service, &conf, listening, lock, ready);
}
