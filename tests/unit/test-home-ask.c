/* The kit asks its web server: how long it waits for one that does not answer. */
#include "config.h"

#include "unit.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "err.h"
#include "home.h"

#define WAITERS	8	/* more than a queue of 0 takes */
#define PATIENCE_S	9	/* 5 are promised; the kernel alone would wait two minutes */

static int
lightly(const struct sockaddr_in *to)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	assert_true(fd >= 0);
	(void)!connect(fd, (const struct sockaddr *)to, sizeof *to);
	return fd;
}

/* Nobody accepts, and its queue is full: the kernel drops who comes, as a packet filter does. */
static void
a_door_that_says_nothing(void **state)
{
	static struct home h = { .kit = "/nowhere", .place = "/nowhere/.sigpost-x", .inside = true };
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr = { htonl(INADDR_LOOPBACK) } };
	struct home_site site = { .address = "127.0.0.1", .host = "localhost.invalid", .folder = "/" };
	socklen_t size = sizeof at;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), waiters[WAITERS], i;
	char port[8];
	time_t from;

	(void)state;
	assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
	assert_int_equal(listen(fd, 0), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	for (i = 0; i < WAITERS; i++)
		waiters[i] = lightly(&at);
	snprintf(port, sizeof port, "%u", (unsigned)ntohs(at.sin_port));
	site.port = port;
	from = time(NULL);
	alarm(3 * PATIENCE_S);
	assert_int_equal(home_refused(&h, &site), -ERR_FORBIDDEN);
	alarm(0);
	row_assert(time(NULL) - from <= PATIENCE_S, "%d s", (int)(time(NULL) - from));
	assert_non_null(h.why);
	for (i = 0; i < WAITERS; i++)
		close(waiters[i]);
	close(fd);
}

int
main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(a_door_that_says_nothing) };

	return cmocka_run_group_tests_name("home-ask", tests, NULL, NULL);
}
