/* couriers - see couriers.h. */
#include "config.h"

#include "unit.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "courier.h"
#include "couriers.h"

/* In a child. */
static void
be_courier(int out)
{
	dup2(open("/dev/null", O_RDONLY), STDIN_FILENO);
	dup2(out, STDOUT_FILENO);
	alarm(PATIENCE_MS / 1000);
	_exit(courier_run() == COURIER_DONE ? 0 : 1);
}

struct child
start(void)
{
	struct child c;
	int out[2];

	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	c.out = out[0];
	c.pid = fork();
	assert_true(c.pid >= 0);
	if (c.pid == 0)
		be_courier(out[1]);
	close(out[1]);
	return c;
}

int
finish(struct child *c, char *text)
{
	size_t n = 0;
	ssize_t got;
	int status;

	assert_int_equal(waitpid(c->pid, &status, 0), c->pid);
	while ((got = read(c->out, text + n, 63 - n)) > 0)
		n += (size_t)got;
	text[n] = '\0';
	close(c->out);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
