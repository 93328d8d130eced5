/* null-cgi - an empty CGI program, linked statically. Reads the body, answers 204. */
#include <stdlib.h>
#include <unistd.h>

int
main(void)
{
	static const char answer[] = "Status: 204\r\n\r\n";
	static char body[65536];
	const char *length = getenv("CONTENT_LENGTH");

	if (length && strtoul(length, NULL, 10) > 0 && read(STDIN_FILENO, body, sizeof body) < 0)
		return 1;
	return write(STDOUT_FILENO, answer, sizeof answer - 1) < 0;
}
