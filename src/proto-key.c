/* proto-key - see proto-key.h. */
#include "config.h"

#include <string.h>

#include "proto-key.h"
#include "reply.h"

#define PEERJS(text)	STR("{\"type\":\"ERROR\",\"payload\":{\"msg\":\"" text "\"}}")
#define CLOSE(text)	STR("{\"code\":4403,\"reason\":\"" text "\"}")
#define ERROR(text)	STR("{\"reason\":\"" text "\"}")

#define OFF		"This key is turned off"
#define EXPIRED		"This key has expired"
#define REMOVED		"This key was removed"
#define UNKNOWN		"Invalid key provided"	/* the released server's words */
#define SIGVER_OFF	"sigver is turned off on this server"
#define SIGVER_EXPIRED	"sigver is not open any longer on this server"
#define STAR_OFF	"webrtc-star is turned off on this server"
#define STAR_EXPIRED	"webrtc-star is not open any longer on this server"

/* ---- words ---- */

const char *
key_bar_text(enum req_bar bar)
{
	return bar == BAR_OFF ? OFF : bar == BAR_EXPIRED ? EXPIRED : bar == BAR_REMOVED ? REMOVED : UNKNOWN;
}

static struct str
peerjs_words(enum req_bar bar)
{
	return bar == BAR_OFF ? PEERJS(OFF) : bar == BAR_EXPIRED ? PEERJS(EXPIRED) :
	    bar == BAR_REMOVED ? PEERJS(REMOVED) : PEERJS(UNKNOWN);
}

/* Sessions of Socket.IO are told by an event beside the end, which has no words there. */
static bool
is_sio(const struct wire *wire)
{
	return strncmp(wire->name, "Engine.IO", 9) == 0;
}

static void
word_end(const char *key, enum req_bar bar, struct wire_end *end)
{
	if (strcmp(key, KEY_SIGVER) == 0) {
		end->name = STR("close");
		end->data = bar == BAR_OFF ? CLOSE(SIGVER_OFF) : CLOSE(SIGVER_EXPIRED);
	} else if (strcmp(key, KEY_STAR) == 0) {
		end->name = STR("ss-error");
		end->data = bar == BAR_OFF ? ERROR(STAR_OFF) : ERROR(STAR_EXPIRED);
	} else
		end->data = peerjs_words(bar);
}

void
key_farewell(struct stream *s, const char *key, enum req_bar bar, struct wire_end *end)
{
	struct wire_event e = { .json = true };

	word_end(key, bar, end);
	if (!is_sio(s->wire))
		return;
	e.name = end->name;
	e.data = end->data;
	stream_event(s, &e);		/* if it cannot be told, the end cannot either */
	end->name = end->data = STR_NONE;
}

/* ---- requests ---- */

int
key_refuse(struct req *r, const char *key)
{
	bool off = r->bar == BAR_OFF;
	const char *detail = strcmp(key, KEY_SIGVER) == 0 ? (off ? SIGVER_OFF : SIGVER_EXPIRED) :
	    strcmp(key, KEY_STAR) == 0 ? (off ? STAR_OFF : STAR_EXPIRED) : key_bar_text(r->bar);

	reply_problem_as(r, 403, "Forbidden", detail);
	return 0;
}

int
key_decline(struct req *r, const char *key, const struct wire *wire)
{
	struct wire_end end = { .final = true };

	word_end(key, r->bar, &end);
	stream_decline(r, wire, &end);
	return 0;
}
