/* floor - see floor.h. The echo server is a forked child, killed when its case is measured. */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "floor.h"
#include "opts.h"
#include "stat.h"
#include "sys.h"

#define MESSAGE 200
#define EVENTS 64
#define DESCRIPTORS 65536	/* more than any descriptor we open */

static const struct floor_case {
	const char *label;
	int connections, server_cpu, client_cpu;
} cases[] = {
	{ "echo200-1conn-2cpus", 1, 0, 1 },
	{ "echo200-1conn-1cpu", 1, 0, 0 },
	{ "echo200-64conn-2cpus", 64, 0, 1 },
};

static uint64_t sent_ns[DESCRIPTORS];	/* by descriptor */

static void
pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	sched_setaffinity(0, sizeof set, &set);
}

static int
checked(int result, const char *what)
{
	if (result < 0)
		sys_die(SYS_EXIT_FAILED, "%s: %s", what, strerror(errno));
	return result;
}

static void
watch(int epoll_fd, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	checked(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event), "epoll_ctl");
}

static void
no_delay(int fd)
{
	int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

static int
listen_somewhere(struct sockaddr_in *address)
{
	socklen_t len = sizeof *address;
	int fd = checked(socket(AF_INET, SOCK_STREAM, 0), "socket");

	*address = (struct sockaddr_in){ .sin_family = AF_INET };
	address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	checked(bind(fd, (struct sockaddr *)address, len), "bind");
	checked(listen(fd, 1024), "listen");
	checked(getsockname(fd, (struct sockaddr *)address, &len), "getsockname");
	return fd;
}

static void
echo(int fd)
{
	char bytes[65536];
	ssize_t len = recv(fd, bytes, sizeof bytes, 0);

	if (len <= 0 || send(fd, bytes, (size_t)len, MSG_NOSIGNAL) < 0)
		close(fd);
}

static _Noreturn void
serve(int listener, int cpu)
{
	struct epoll_event events[EVENTS];
	int epoll_fd = checked(epoll_create1(0), "epoll"), count, fd;

	pin(cpu);
	watch(epoll_fd, listener);
	for (;;) {
		count = epoll_wait(epoll_fd, events, EVENTS, -1);
		for (int i = 0; i < count; i++) {
			if (events[i].data.fd != listener) {
				echo(events[i].data.fd);
				continue;
			}
			fd = checked(accept(listener, NULL, NULL), "accept");
			no_delay(fd);
			watch(epoll_fd, fd);
		}
	}
}

static void
send_message(int fd)
{
	static const char message[MESSAGE];

	sent_ns[fd] = sys_now_ns();
	if (send(fd, message, sizeof message, MSG_NOSIGNAL) < 0)
		sys_die(SYS_EXIT_FAILED, "send: %s", strerror(errno));
}

static void
connect_all(int epoll_fd, const struct sockaddr_in *address, int count)
{
	int fd;

	while (count--) {
		fd = checked(socket(AF_INET, SOCK_STREAM, 0), "socket");
		checked(connect(fd, (const struct sockaddr *)address, sizeof *address), "connect");
		no_delay(fd);
		watch(epoll_fd, fd);
		send_message(fd);
	}
}

/* Receives and sends again for so many seconds; returns the round trips. */
static uint64_t
play(int epoll_fd, double seconds)
{
	struct epoll_event events[EVENTS];
	double end = sys_now() + seconds;
	uint64_t trips = 0;
	char bytes[65536];
	int count, fd;

	do {
		count = epoll_wait(epoll_fd, events, EVENTS, 1000);
		for (int i = 0; i < count; i++, trips++) {
			fd = events[i].data.fd;
			if (recv(fd, bytes, sizeof bytes, 0) <= 0)
				sys_die(SYS_EXIT_FAILED, "the echo ended");
			stat_sample(sys_now_ns() - sent_ns[fd]);
			send_message(fd);
		}
	} while (sys_now() < end);
	return trips;
}

static void
report(const struct floor_case *floor, const struct stat_span *span, uint64_t trips)
{
	double count = (double)trips;

	stat_sort();
	printf("{\"mode\":\"floor\",\"label\":\"%s\",\"conns\":%d,\"rt_per_s\":%.0f"
	    ",\"rt_per_srv_cpu_s\":%.0f,\"rt_per_total_cpu_s\":%.0f", floor->label,
	    floor->connections, count / span->seconds, stat_ratio(count, span->server),
	    stat_ratio(count, span->server + span->self));
	printf(",\"p50_us\":%.1f,\"p99_us\":%.1f,\"srv_share\":%.3f,\"cli_share\":%.3f"
	    ",\"srv_user\":%.2f,\"srv_sys\":%.2f}\n", stat_percentile(.5) * 1000,
	    stat_percentile(.99) * 1000, span->server / span->seconds,
	    span->self / span->seconds, span->server_user, span->server_system);
	fflush(stdout);
}

static void
measure(const struct floor_case *floor, double seconds)
{
	struct sockaddr_in address;
	int listener = listen_somewhere(&address), epoll_fd = checked(epoll_create1(0), "epoll");
	pid_t child = checked(fork(), "fork");
	struct stat_snap from, to;
	struct stat_span span;
	uint64_t trips;

	if (child == 0)
		serve(listener, floor->server_cpu);
	close(listener);
	pin(floor->client_cpu);
	opts.roots = (struct proc_roots){ .count = 1, .pids = { child } };
	connect_all(epoll_fd, &address, floor->connections);
	stat_forget();
	from = stat_take();
	trips = play(epoll_fd, seconds);
	to = stat_take();
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	close(epoll_fd);
	span = stat_between(&from, &to);
	report(floor, &span, trips);
}

void
floor_run(double seconds)
{
	for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
		measure(&cases[i], seconds);
}
