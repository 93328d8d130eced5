/*
 * sigpost.cgi - the CGI program: a courier and nothing else (courier.h).
 *
 * An exec of it is the price of every CGI request, so it links libc only. Where no hub is to
 * be had it becomes `sigpost`, which does the work itself. argv is never read: under CGI a
 * URL may have filled it.
 */
#include "config.h"

#include <stdlib.h>
#include <unistd.h>

#include "courier.h"

extern char **environ;

static int
not_cgi(void)
{
	static const char text[] = "sigpost.cgi is a CGI program: a web server starts it\n";
	ssize_t ignored = write(STDERR_FILENO, text, sizeof text - 1);

	(void)ignored;
	return 2;
}

int
main(void)
{
	static const char *const argv[] = { "sigpost", NULL };

	if (getenv("GATEWAY_INTERFACE") == NULL)
		return not_cgi();
	if (getenv("SIGPOST_ALONE") == NULL) {
		if (courier_run() == COURIER_DONE)
			return 0;
		setenv("SIGPOST_ALONE", "1", 1);
		courier_exec(argv, (const char *const *)environ);
	}
	courier_apologise();
	return 0;
}
