/*
 * fuzz - what a harness and its drivers share.
 *
 * A harness is one file, fuzz-X.c, with LLVMFuzzerTestOneInput. It is linked twice: as fuzz-X
 * with libFuzzer (--enable-fuzzing, CC=clang), and always as replay-X with replay.c, which
 * `make check` runs over the inputs in corpus-X/ and mutations of them. An input that found a
 * bug is added to corpus-X under a name that says which.
 *
 * A harness keeps no state between inputs and opens nothing (but fuzz-peerjs and fuzz-star, which say why), and
 * checks with FUZZ_CHECK.
 */
#ifndef SIGPOST_FUZZ_H
#define SIGPOST_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* assert, also where NDEBUG is defined */
#define FUZZ_CHECK(fact) \
	do { \
		if (!(fact)) { \
			fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #fact); \
			abort(); \
		} \
	} while (0)

#endif
