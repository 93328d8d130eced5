/* fcgi-out - the records an application sends. Appends to a buffer, which fails stickily. */
#include "config.h"

#include <assert.h>
#include <fastcgi.h>

#include "fcgi-pair.h"
#include "fcgi.h"

#define STDOUT_MAX	65528u		/* content of a record: a multiple of 8, so no padding */

static void
put_record(struct buf *out, unsigned char type, uint16_t id, struct str content)
{
	FCGI_Header h = {
		.version = FCGI_VERSION_1, .type = type,
		.requestIdB1 = (unsigned char)(id >> 8), .requestIdB0 = (unsigned char)id,
		.contentLengthB1 = (unsigned char)(content.n >> 8),
		.contentLengthB0 = (unsigned char)content.n,
	};

	assert(content.n <= FCGI_MAX_LENGTH);
	buf_add(out, &h, sizeof h);
	buf_adds(out, content);
}

void
fcgi_put_stdout(struct buf *out, uint16_t id, struct str bytes)
{
	struct str piece;

	while (bytes.n > 0) {
		piece = str_make(bytes.p, bytes.n < STDOUT_MAX ? bytes.n : STDOUT_MAX);
		put_record(out, FCGI_STDOUT, id, piece);
		bytes = str_skip(bytes, piece.n);
	}
}

static void
put_end_request(struct buf *out, uint16_t id, unsigned char status)
{
	FCGI_EndRequestBody body = { .protocolStatus = status };

	put_record(out, FCGI_END_REQUEST, id, str_make((const char *)&body, sizeof body));
}

void
fcgi_put_end(struct buf *out, uint16_t id)
{
	put_record(out, FCGI_STDOUT, id, STR_NONE);
	put_end_request(out, id, FCGI_REQUEST_COMPLETE);
}

void
fcgi_put_cant_mpx(struct buf *out, uint16_t id)
{
	put_end_request(out, id, FCGI_CANT_MPX_CONN);
}

void
fcgi_put_overloaded(struct buf *out, uint16_t id)
{
	put_end_request(out, id, FCGI_OVERLOADED);
}

void
fcgi_put_unknown_role(struct buf *out, uint16_t id)
{
	put_end_request(out, id, FCGI_UNKNOWN_ROLE);
}

void
fcgi_put_unknown_type(struct buf *out, unsigned char type)
{
	FCGI_UnknownTypeBody body = { .type = type };

	put_record(out, FCGI_UNKNOWN_TYPE, FCGI_NULL_REQUEST_ID,
	    str_make((const char *)&body, sizeof body));
}

void
fcgi_put_values(struct buf *out, unsigned int asked, uint32_t max_conns)
{
	struct buf pairs, number;

	buf_init(&pairs, FCGI_PUT_MAX);
	buf_init(&number, 16);
	buf_addu(&number, max_conns);
	if ((asked & FCGI_ASKED_CONNS) != 0)
		fcgi_pair_put(&pairs, STR(FCGI_MAX_CONNS), buf_str(&number));
	if ((asked & FCGI_ASKED_REQS) != 0)
		fcgi_pair_put(&pairs, STR(FCGI_MAX_REQS), buf_str(&number));
	if ((asked & FCGI_ASKED_MPXS) != 0)
		fcgi_pair_put(&pairs, STR(FCGI_MPXS_CONNS), STR("0"));
	put_record(out, FCGI_GET_VALUES_RESULT, FCGI_NULL_REQUEST_ID, buf_str(&pairs));
	buf_release(&pairs);
	buf_release(&number);
}
