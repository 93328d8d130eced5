/*
 * link - see link.h. A keep-alive connection that the server closes while a POST is on its way is
 * opened anew and the POST sent once more, as browsers do; a second failure fails the peer.
 * A peer that was closed while it was held has nothing queued, and stays readable until the end of
 * the turn, so nobody takes it from the list.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "adapter.h"
#include "conn.h"
#include "link.h"
#include "opts.h"
#include "stat.h"
#include "sys.h"
#include "ws.h"

#define PATH_SIZE 256
#define ERRORS_SHOWN 5
#define BROWSER "Origin: http://localhost\r\nUser-Agent: Mozilla/5.0 sigload\r\n\r\n"

struct link_post {
	struct link_post *next;
	size_t len;
	char body[];
};

/* Peers whose queue waits for the end of a burst. */
static struct {
	struct peer **peers;
	size_t count, room;
} held;

static void
down_closed(struct conn *conn)
{
	struct peer *peer = conn->owner;

	peer->link.down = NULL;
	peer_fail(peer, "downlink closed");
}

/* ---- event stream ---- */

static bool
on_event(void *arg, const char *event, const char *data, size_t len)
{
	struct peer *peer = arg;

	opts.adapter->event(peer, event, data, len);
	return peer->link.down != NULL;
}

static void
sse_head(struct conn *conn)
{
	struct peer *peer = conn->owner;

	if (conn->http.status != 200)
		peer_fail(peer, "the event stream was refused");
	else if (opts.adapter->opened)
		opts.adapter->opened(peer);
}

static void
sse_body(struct conn *conn, const char *bytes, size_t len)
{
	struct peer *peer = conn->owner;

	sse_feed(&peer->link.sse, bytes, len, on_event, peer);
}

static void
sse_done(struct conn *conn)
{
	peer_fail(conn->owner, "the event stream ended");
}

static const struct conn_ops sse_ops = {
	.head = sse_head, .body = sse_body, .done = sse_done, .closed = down_closed,
};

void
link_open_sse(struct peer *peer, const char *path)
{
	struct buf head = { 0 };

	buf_addf(&head, "GET %s HTTP/1.1\r\nHost: %s:%d\r\nAccept: text/event-stream\r\n"
	    "Cache-Control: no-cache\r\n" BROWSER, path, opts.host, opts.port);
	peer->link.down = conn_new(peer, &sse_ops);
	conn_write(peer->link.down, head.data, head.len);
	buf_release(&head);
}

/* ---- POST ---- */

static void flush(struct peer *peer);
static void post_again(struct peer *peer);

static void
post_done(struct conn *conn)
{
	struct peer *peer = conn->owner;

	peer->link.busy = peer->link.retried = false;
	if (conn->http.status / 100 == 2)
		stat_count.answers++;
	else if (stat_count.errors++ < ERRORS_SHOWN)
		fprintf(stderr, "POST status %d\n", conn->http.status);
	if (!conn->http.keep) {
		conn_close(conn);
		peer->link.up = NULL;
	}
	peer_posted(peer);
	flush(peer);
}

static void
post_closed(struct conn *conn)
{
	struct peer *peer = conn->owner;

	peer->link.up = NULL;
	if (!peer->link.busy)
		return;
	if (!peer->link.retried) {
		post_again(peer);
		return;
	}
	peer->link.busy = false;
	stat_count.errors++;
	peer_fail(peer, "uplink closed");
}

static void
post_body(struct conn *conn, const char *bytes, size_t len)
{
	if (opts.adapter->answer)
		opts.adapter->answer(conn->owner, bytes, len);
}

static const struct conn_ops post_ops = {
	.body = post_body, .done = post_done, .closed = post_closed,
};

static void
transmit(struct peer *peer)
{
	struct link *link = &peer->link;

	if (link->up == NULL)
		link->up = conn_new(peer, &post_ops);
	link->busy = true;
	conn_write(link->up, link->request.data, link->request.len);
}

static void
post_again(struct peer *peer)
{
	peer->link.retried = true;
	transmit(peer);
}

static struct link_post *
take_first(struct link *link)
{
	struct link_post *post = link->head;

	link->head = post->next;
	if (link->head == NULL)
		link->tail = NULL;
	return post;
}

static bool
batches(void)
{
	return opts.batch > 1 && opts.adapter->post_array;
}

/* Moves what may leave together from the queue to `body`; several make an array. */
static void
take_body(struct link *link, struct buf *body)
{
	bool array = batches() && link->head->next;
	int left = array ? opts.batch : 1;
	struct link_post *post;

	body->len = 0;
	while (left-- && link->head) {
		if (array)
			buf_add(body, body->len ? "," : "[", 1);
		post = take_first(link);
		buf_add(body, post->body, post->len);
		free(post);
	}
	if (array)
		buf_add(body, "]", 1);
}

/* Sends what is first in the queue unless a POST is in flight. */
static void
flush(struct peer *peer)
{
	static struct buf body;
	struct buf *request = &peer->link.request;
	char path[PATH_SIZE];

	if (peer->link.busy || peer->link.head == NULL)
		return;
	take_body(&peer->link, &body);
	opts.adapter->post_path(peer, path, sizeof path);
	request->len = 0;
	buf_addf(request, "POST %s HTTP/1.1\r\nHost: %s:%d\r\nContent-Type: %s\r\n"
	    "Content-Length: %zu\r\n" BROWSER, path, opts.host, opts.port,
	    opts.adapter->post_type, body.len);
	buf_add(request, body.data, body.len);
	transmit(peer);
}

static void
hold(struct peer *peer)
{
	if (peer->link.held)
		return;
	if (held.count == held.room) {
		held.room = held.room ? held.room * 2 : 256;
		held.peers = sys_resize(held.peers, held.room * sizeof *held.peers);
	}
	peer->link.held = true;
	held.peers[held.count++] = peer;
}

void
link_flush_held(void)
{
	for (size_t i = 0; i < held.count; i++) {
		held.peers[i]->link.held = false;
		flush(held.peers[i]);
	}
	held.count = 0;
}

void
link_post(struct peer *peer, const char *body, size_t len)
{
	struct link *link = &peer->link;
	struct link_post *post = sys_alloc(1, sizeof *post + len);

	post->len = len;
	memcpy(post->body, body, len);
	if (link->tail)
		link->tail->next = post;
	else
		link->head = post;
	link->tail = post;
	if (batches())
		hold(peer);
	else
		flush(peer);
}

void
link_rest(struct peer *peer)
{
	if (peer->link.busy)
		return;
	conn_discard(peer->link.up);
	peer->link.up = NULL;
}

void
link_close_http(struct peer *peer)
{
	struct link *link = &peer->link;

	conn_discard(link->down);
	conn_discard(link->up);
	while (link->head)
		free(take_first(link));
	sse_release(&link->sse);
	buf_release(&link->request);
	*link = (struct link){ 0 };
}

/* ---- WebSocket ---- */

static void
ws_head(struct conn *conn)
{
	struct peer *peer = conn->owner;

	if (conn->http.status == 101)
		return;
	conn_close(conn);
	peer->link.down = NULL;
	peer_fail(peer, "no upgrade");
}

static void
ws_frame(struct conn *conn, const char *bytes, size_t len)
{
	opts.adapter->frame(conn->owner, bytes, len);
}

static const struct conn_ops ws_ops = {
	.head = ws_head, .frame = ws_frame, .closed = down_closed,
};

void
link_open_ws(struct peer *peer, const char *path)
{
	struct buf head = { 0 };

	buf_addf(&head, "GET %s HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\n"
	    "Connection: Upgrade\r\nSec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw==\r\n"
	    "Sec-WebSocket-Version: 13\r\n" BROWSER, path, opts.host, opts.port);
	peer->link.down = conn_new(peer, &ws_ops);
	conn_write(peer->link.down, head.data, head.len);
	buf_release(&head);
}

void
link_close_ws(struct peer *peer)
{
	ws_close(peer->link.down);
	peer->link.down = NULL;
}
