/*
 * What a courier sends: the first byte says how much of the rest is read as a head at once. A
 * head that is bad stays bad with more bytes, one that is whole says the same; a block comes
 * apart into variables that put together are the block again.
 */
#include "config.h"

#include <string.h>

#include "err.h"
#include "fuzz.h"
#include "handoff.h"

static void
read_head(const uint8_t *p, size_t n, size_t part)
{
	unsigned char again[HANDOFF_HEAD];
	uint32_t early = 0, length = 0;
	int first = handoff_head_read(p, part, &early), rc = handoff_head_read(p, n, &length);

	FUZZ_CHECK(rc == 1 || rc == 0 || rc == -ERR_BAD || rc == -ERR_VERSION);
	FUZZ_CHECK(first == 0 || (first == rc && early == length));
	FUZZ_CHECK(n < HANDOFF_HEAD || rc != 0);
	if (rc == 1) {
		handoff_head_make(again, length);
		FUZZ_CHECK(n >= HANDOFF_HEAD && memcmp(again, p, HANDOFF_HEAD) == 0);
	}
}

static void
read_block(const char *p, size_t n)
{
	const char *at = p, *name, *value;
	size_t left = n, name_n, value_n;
	int rc;

	while ((rc = handoff_next(&at, &left, &name, &name_n, &value, &value_n)) == 1) {
		FUZZ_CHECK(name_n > 0 && memchr(name, '=', name_n) == NULL);
		FUZZ_CHECK(memchr(name, '\0', name_n) == NULL);
		FUZZ_CHECK(name[name_n] == '=' && value == name + name_n + 1);
		FUZZ_CHECK(memchr(value, '\0', value_n) == NULL && value[value_n] == '\0');
		FUZZ_CHECK(at == value + value_n + 1 && at + left == p + n);
		handoff_wanted(name, name_n);
	}
	FUZZ_CHECK(rc == -ERR_BAD || (rc == 0 && left == 0));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size == 0)
		return 0;
	read_head(data + 1, size - 1, data[0] < size ? data[0] : size - 1);
	read_block((const char *)data + 1, size - 1);
	if (size > HANDOFF_HEAD)
		read_block((const char *)data + 1 + HANDOFF_HEAD, size - 1 - HANDOFF_HEAD);
	return 0;
}
