/* err - the table behind enum err. */
#include "config.h"

#include <stddef.h>

#include "err.h"

static const struct err_row rows[ERR__MAX] = {
	[ERR_NONE]	= { ERR_NONE, "ok", 200, "OK" },
	[ERR_BAD]	= { ERR_BAD, "bad", 400, "The request cannot be understood" },
	[ERR_AUTH]	= { ERR_AUTH, "auth", 401, "The token is not known here" },
	[ERR_FORBIDDEN]	= { ERR_FORBIDDEN, "forbidden", 403, "This is not allowed" },
	[ERR_NOTFOUND]	= { ERR_NOTFOUND, "notfound", 404, "There is nothing at this address" },
	[ERR_METHOD]	= { ERR_METHOD, "method", 405, "This address does not take that method" },
	[ERR_CONFLICT]	= { ERR_CONFLICT, "conflict", 409, "Somebody else holds it" },
	[ERR_LENGTH]	= { ERR_LENGTH, "length", 411, "A body needs a Content-Length" },
	[ERR_TOOBIG]	= { ERR_TOOBIG, "toobig", 413, "The body is larger than this server takes" },
	[ERR_TYPE]	= { ERR_TYPE, "type", 415, "This media type is not taken here" },
	[ERR_BATCH]	= { ERR_BATCH, "batch", 413, "These are too many messages for one request" },
	[ERR_QUOTA]	= { ERR_QUOTA, "quota", 429, "Too much is waiting already" },
	[ERR_RATE]	= { ERR_RATE, "rate", 429, "These are too many requests from one address" },
	[ERR_CROWD]	= { ERR_CROWD, "crowd", 429, "These are too many open connections from one address" },
	[ERR_MESSAGES]	= { ERR_MESSAGES, "messages", 429, "These are too many messages under one key" },
	[ERR_STREAMS]	= { ERR_STREAMS, "streams", 503, "Streams are full here" },
	[ERR_REPEATED]	= { ERR_REPEATED, "repeated", 200, "This was accepted before" },
	[ERR_SILENT]	= { ERR_SILENT, "silent", 503, "This gets no answer" },
	[ERR_WAIT]	= { ERR_WAIT, "wait", 503, "The verdict is not in yet" },
	[ERR_BUSY]	= { ERR_BUSY, "busy", 503, "The store is busy" },
	[ERR_FULL]	= { ERR_FULL, "full", 507, "The store is full" },
	[ERR_IO]	= { ERR_IO, "io", 503, "The store cannot be read or written" },
	[ERR_VERSION]	= { ERR_VERSION, "version", 503, "The store belongs to another version" },
	[ERR_CORRUPT]	= { ERR_CORRUPT, "corrupt", 503, "The store is not a sigpost database" },
	[ERR_CLOSED]	= { ERR_CLOSED, "closed", 503, "The other side is gone" },
	[ERR_LEAVING]	= { ERR_LEAVING, "leaving", 503, "This process is ending, another one takes over" },
	[ERR_TIMEOUT]	= { ERR_TIMEOUT, "timeout", 408, "The request took too long" },
	[ERR_NOMEM]	= { ERR_NOMEM, "nomem", 503, "Out of memory" },
	[ERR_INTERNAL]	= { ERR_INTERNAL, "internal", 500, "Something went wrong here" },
};

const struct err_row *
err_row(int err)
{
	unsigned i = err < 0 ? 0u - (unsigned)err : (unsigned)err;	/* INT_MIN has no abs */

	return i < ERR__MAX ? &rows[i] : &rows[ERR_INTERNAL];
}

const char *
err_name(int err)
{
	return err_row(err)->name;
}

int
err_status(int err)
{
	return err_row(err)->status;
}

const char *
err_reason(int status)
{
	static const struct { int status; const char *text; } reasons[] = {
		{ 200, "OK" }, { 204, "No Content" }, { 302, "Found" },
		{ 400, "Bad Request" }, { 401, "Unauthorized" }, { 403, "Forbidden" },
		{ 404, "Not Found" }, { 405, "Method Not Allowed" }, { 408, "Request Timeout" },
		{ 409, "Conflict" }, { 411, "Length Required" }, { 413, "Content Too Large" },
		{ 415, "Unsupported Media Type" }, { 426, "Upgrade Required" }, { 429, "Too Many Requests" },
		{ 500, "Internal Server Error" }, { 501, "Not Implemented" }, { 503, "Service Unavailable" },
		{ 507, "Insufficient Storage" },
		/* sigver's own (protocols: generation D over SSE) */
		{ 520, "Message Error" }, { 521, "Key Error" }, { 560, "Key Exists" },
		{ 561, "Key Unknown" }, { 570, "Opener Gone" }, { 572, "Transmit Before Open" },
		{ 573, "Transmit Before Join" }, { 581, "Authentication Error" },
	};
	size_t i;

	for (i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
		if (reasons[i].status == status)
			return reasons[i].text;
	return "Status";
}
