/*
 * records - FastCGI as a web server sends it, written down shortly. For tests.
 *
 * records_put reads words separated by spaces, one a record:
 *
 *	B1 B1k B1r2	BEGIN_REQUEST for id 1; with FCGI_KEEP_CONN; for role 2
 *	P1:A=B&C=D P1	PARAMS with two variables; the empty one
 *	S1:body S1	STDIN with some bytes; the empty one
 *	A1		ABORT_REQUEST
 *	V:X&Y		GET_VALUES
 *	T9.1:text	any other type, here 9 of id 1
 *	!		makes the version of the record before it wrong
 *
 * Each record is followed by as many bytes of padding as asked for.
 */
#ifndef SIGPOST_TESTS_RECORDS_H
#define SIGPOST_TESTS_RECORDS_H

#include "buf.h"
#include "str.h"

void	records_put(struct buf *out, const char *words, unsigned int padding);

/* The same by hand. content.n <= 65535, padding <= 255. */
void	record_put(struct buf *out, unsigned int type, unsigned int id, struct str content,
	    unsigned int padding);
void	record_begin(struct buf *out, unsigned int id, unsigned int role, unsigned int flags,
	    unsigned int padding);

/* What an application answers, in words, a space after each: "out(1,text)", "eof(1)",
 * "end(1,complete)" (or cant-mpx, overloaded, unknown-role), "values(A=B&C=D)", "unknown(77)", and
 * "cut" for bytes that are not a whole record. */
void	records_tell(struct buf *words, struct str records);

#endif
