/* null-fcgi - an empty FastCGI responder. Reads the body of each request and answers 204. */
#include <fcgi_stdio.h>
#include <stdlib.h>

static void
swallow(const char *content_length)
{
	static char body[65536];
	unsigned long left = content_length ? strtoul(content_length, NULL, 10) : 0;
	size_t got;

	while (left > 0) {
		got = fread(body, 1, left < sizeof body ? left : sizeof body, stdin);
		if (got == 0)
			return;
		left -= got;
	}
}

int
main(void)
{
	while (FCGI_Accept() >= 0) {
		swallow(getenv("CONTENT_LENGTH"));
		printf("Status: 204\r\n\r\n");
	}
	return 0;
}
