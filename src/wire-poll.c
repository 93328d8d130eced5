/*
 * wire-poll - one long poll: a JSON object with the messages there are and the next cursor.
 *
 *   {"auth":"…","gap":{…},"messages":[…],"cursor":"…"}
 *   {"messages":[…],"cursor":"final","final":true,"event":"close","data":{…}}
 *
 * Named events become members (they come before messages); ordinary ones are elements. A beat
 * is a blank, which JSON allows in front.
 */
#include "config.h"

#include "json.h"
#include "wire.h"

enum phase { BLANK, MEMBERS, MESSAGES, MORE };

static void
add_member(struct buf *out, struct str name, struct str data, bool json)
{
	json_quote(out, name);
	buf_addc(out, ':');
	if (json)
		buf_adds(out, data);
	else
		json_quote(out, data);
}

static void
poll_open(struct wire_state *w, struct buf *out, uint32_t retry_ms, struct str cursor)
{
	(void)w, (void)out, (void)retry_ms, (void)cursor;
}

static void
enter(struct wire_state *w, struct buf *out, enum phase phase)
{
	if (w->phase == BLANK) {
		buf_addc(out, '{');
		w->phase = MEMBERS;
	}
	if (phase >= MESSAGES && w->phase == MEMBERS) {
		buf_adds(out, STR("\"messages\":["));
		w->phase = MESSAGES;
	}
}

static void
poll_event(struct wire_state *w, struct buf *out, const struct wire_event *e)
{
	if (e->name.n > 0) {
		enter(w, out, MEMBERS);
		add_member(out, e->name, e->data, e->json);
		buf_addc(out, ',');
		return;
	}
	enter(w, out, MESSAGES);
	if (w->phase == MORE)
		buf_addc(out, ',');
	buf_adds(out, e->data);
	w->phase = MORE;
}

static void
poll_beat(struct wire_state *w, struct buf *out)
{
	(void)w;
	buf_addc(out, ' ');
}

static void
poll_end(struct wire_state *w, struct buf *out, const struct wire_end *end)
{
	struct wire_event last = { .data = end->data, .json = true };

	if (end->final && end->name.n == 0 && end->data.n > 0)
		poll_event(w, out, &last);
	enter(w, out, MESSAGES);
	buf_adds(out, STR("],"));
	add_member(out, STR("cursor"), end->final ? WIRE_FINAL_ID : end->cursor, false);
	if (end->final)
		buf_adds(out, STR(",\"final\":true"));
	if (end->final && end->name.n > 0) {
		buf_addc(out, ',');
		add_member(out, STR("event"), end->name, false);
		buf_addc(out, ',');
		add_member(out, STR("data"), end->data, true);
	}
	buf_adds(out, STR("}\n"));
}

const struct wire wire_poll = {
	.name = "poll",
	.type = "application/json",
	.once = true,
	.open = poll_open,
	.event = poll_event,
	.beat = poll_beat,
	.end = poll_end,
};
