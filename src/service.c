/* service - see service.h. */
#include "config.h"

#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "err.h"
#include "json.h"
#include "log.h"
#include "proto-key.h"
#include "route.h"
#include "service.h"
#include "systemd.h"

#define LEAVE_STEP_MS 10

extern char **environ;

/* The directory of the database may not be the current one later on. */
static int
make_absolute(char *path)
{
	char full[CONF_STR_MAX];
	char cwd[PATH_MAX];

	if (path[0] == '/')
		return 0;
	if (getcwd(cwd, sizeof cwd) == NULL)
		return -ERR_IO;
	if ((size_t)snprintf(full, sizeof full, "%s/%s", cwd, path) >= sizeof full)
		return -ERR_TOOBIG;
	memcpy(path, full, strlen(full) + 1);
	return 0;
}

int
service_conf(struct conf *c)
{
	const char *why = "the path of the database is too long";
	int rc;

	conf_init(c);
	rc = conf_read(c, NULL, &why);
	if (rc == 0)
		rc = conf_env(c, environ, &why);
	if (rc == 0)
		rc = conf_check(c, &why);
	if (rc == 0)
		rc = make_absolute(c->db);
	if (rc < 0) {
		fprintf(stderr, "sigpost: %s\n", why);
		return rc;
	}
	service_log(c);
	return 0;
}

void
service_log(const struct conf *c)
{
	int level = log_level(str_from(c->log_level));

	log_init(level < 0 ? LOG_INFO : (enum log_level)level, STDERR_FILENO);
	log_use(strcmp(c->log_format, "json") == 0 ? LOG_JSON : LOG_LOGFMT);
}

static void
on_turn(void *arg)
{
	struct service *s = arg;

	if (s->hub.loop != NULL)
		hub_turn(&s->hub);
}

/* The hub has nothing more to say; what it said may still be on its way out. */
static void
on_leaving(struct loop_timer *t)
{
	struct service *s = LIST_OF(t, struct service, leaving);
	uint32_t open = (s->fcgi != NULL ? gate_fcgi_conns(s->fcgi) : 0) +
	    (s->cgi != NULL ? gate_cgi_conns(s->cgi) : 0);

	if (open == 0 || loop_mono(&s->loop) >= s->leave_by)
		loop_stop(&s->loop);
	else
		loop_timer_start(t, LEAVE_STEP_MS, 0);
}

static void
on_stopped(struct hub *hub)
{
	struct service *s = hub->owner;

	if (s->leave_by == 0)
		s->leave_by = loop_mono(&s->loop) + hub->conf->drain_ms;
	loop_timer_start(&s->leaving, 0, 0);
}

void
service_leave(struct service *s)
{
	systemd_stopping();
	if (s->fcgi != NULL)
		gate_fcgi_stop(s->fcgi);
	if (s->cgi != NULL)
		gate_cgi_stop(s->cgi);
	hub_drain(&s->hub);
}

static void
on_leave(struct hub *hub)
{
	service_leave(hub->owner);
}

static void
on_signal(uv_signal_t *h, int number)
{
	LOG(LOG_INFO, "signal", LOG_INT("number", number));
	service_leave(h->data);
}

static void
on_second(struct loop_timer *t)
{
	struct service *s = LIST_OF(t, struct service, second);

	s->each_second(s);
}

static void
on_watchdog(struct loop_timer *t)
{
	(void)t;
	systemd_notify("WATCHDOG=1");
}

void
service_each_second(struct service *s, void (*fn)(struct service *s))
{
	s->each_second = fn;
	loop_timer_start(&s->second, 1000, 1000);
}

static void
watch_signals(struct service *s)
{
	static const int numbers[SERVICE_SIGNALS] = { SIGTERM, SIGINT, SIGUSR1 };
	int i;

	signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < SERVICE_SIGNALS; i++) {
		uv_signal_init(&s->loop.uv, &s->signals[i]);
		s->signals[i].data = s;
		uv_signal_start(&s->signals[i], on_signal, numbers[i]);
		uv_unref((uv_handle_t *)&s->signals[i]);
	}
}

/* A stream is a descriptor; web servers start their programs with few. */
static void
raise_descriptors(void)
{
	struct rlimit fds;

	if (getrlimit(RLIMIT_NOFILE, &fds) < 0)
		return;
	fds.rlim_cur = fds.rlim_max;
	setrlimit(RLIMIT_NOFILE, &fds);
}

int
service_start(struct service *s, const struct conf *c)
{
	const char *why = "out of memory";
	int rc;

	memset(s, 0, sizeof *s);
	raise_descriptors();
	json_limit((unsigned)c->max_json_depth);
	setenv("UV_THREADPOOL_SIZE", "1", 0);	/* one checkpoint at a time is all there is */
	rc = loop_init(&s->loop, on_turn, s);
	if (rc == 0)
		rc = hub_init(&s->hub, &s->loop, c, route_serve, &why);
	if (rc < 0) {
		LOG(LOG_ERROR, "cannot start", LOG_Z("db", c->db), LOG_Z("why", why));
		return rc;
	}
	s->hub.owner = s;
	s->hub.expired = route_expired;
	s->hub.barred = key_farewell;
	s->hub.stopped = on_stopped;
	s->hub.leave = on_leave;
	watch_signals(s);
	loop_timer_init(&s->loop, &s->second, on_second);
	loop_timer_init(&s->loop, &s->leaving, on_leaving);
	loop_timer_init(&s->loop, &s->watchdog, on_watchdog);
	LOG(LOG_INFO, "started", LOG_Z("version", PACKAGE_VERSION), LOG_INT("pid", getpid()),
	    LOG_Z("db", c->db), LOG_Z("epoch", s->hub.store->epoch));
	return 0;
}

void
service_run(struct service *s)
{
	int i;

	loop_run(&s->loop);
	hub_release(&s->hub);
	s->hub.loop = NULL;
	if (s->fcgi != NULL)
		gate_fcgi_free(s->fcgi);
	if (s->cgi != NULL)
		gate_cgi_free(s->cgi);
	for (i = 0; i < SERVICE_SIGNALS; i++)
		uv_close((uv_handle_t *)&s->signals[i], NULL);
	loop_timer_close(&s->second, NULL);
	loop_timer_close(&s->leaving, NULL);
	loop_timer_close(&s->watchdog, NULL);
	loop_release(&s->loop);
	LOG(LOG_INFO, "stopped", LOG_INT("pid", getpid()));
}

/* The loop says that it turns, as often as somebody wants to hear it. */
static void
tell_manager(struct service *s)
{
	uint64_t ms = systemd_watchdog_ms();

	if (ms > 0)
		loop_timer_start(&s->watchdog, ms, ms);
	systemd_notify("READY=1");
}

int
service_fcgi(struct service *s, const struct conf *c, int fd)
{
	if (service_start(s, c) < 0)
		return -ERR_IO;
	s->fcgi = gate_fcgi_new(&s->hub, fd);
	s->cgi = gate_cgi_new(&s->hub, -1, -1);
	if (s->fcgi == NULL || s->cgi == NULL) {
		LOG(LOG_ERROR, "cannot start", LOG_Z("why", "out of memory"));
		return -ERR_NOMEM;
	}
	tell_manager(s);
	service_run(s);
	return 0;
}
