/*
 * conn - see conn.h. Bytes are parsed where recv put them; only an incomplete rest is kept, so
 * an event that arrives whole costs no copy.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conn.h"
#include "stat.h"
#include "sys.h"

#define ROUND_EVENTS 256
#define READ_SIZE (1u << 18)	/* what one recv may bring when nothing is left over */
#define READ_MORE 65536u	/* the same, behind an incomplete rest */

static int epoll_fd = -1;
static struct sockaddr_in server;
static int source_count;
static struct conn *graveyard;

void
conn_init(const char *host, int port, int sources)
{
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_fd < 0)
		sys_die(SYS_EXIT_FAILED, "epoll: %s", strerror(errno));
	source_count = sources;
	server.sin_family = AF_INET;
	server.sin_port = htons((uint16_t)port);
	if (inet_pton(AF_INET, host, &server.sin_addr) != 1)
		sys_die(SYS_EXIT_USAGE, "%s: a numeric IPv4 host is wanted", host);
}

static void
watch(struct conn *conn, int operation, uint32_t events)
{
	struct epoll_event event = { .events = events, .data.ptr = conn };

	epoll_ctl(epoll_fd, operation, conn->fd, &event);
}

/* Binds to the next 127.0.k.1; the port is chosen at connect, when the pair is known. */
static void
spread(int fd)
{
	static unsigned next;
	struct sockaddr_in source = { .sin_family = AF_INET };
	unsigned k;
	int on = 1;

	if (source_count <= 1)
		return;
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
	k = 1 + next++ % (unsigned)source_count;
	source.sin_addr.s_addr = htonl(INADDR_LOOPBACK + (k << 8));
	if (bind(fd, (struct sockaddr *)&source, sizeof source) < 0)
		sys_die(SYS_EXIT_FAILED, "bind: %s", strerror(errno));
}

struct conn *
conn_new(void *owner, const struct conn_ops *ops)
{
	struct conn *conn = sys_alloc(1, sizeof *conn);
	int on = 1;

	conn->owner = owner;
	conn->ops = ops;
	conn->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (conn->fd < 0)
		sys_die(SYS_EXIT_FAILED, "socket: %s", strerror(errno));
	setsockopt(conn->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	spread(conn->fd);
	stat_count.connections++;
	conn->connecting = connect(conn->fd, (struct sockaddr *)&server, sizeof server) < 0;
	watch(conn, EPOLL_CTL_ADD, conn->connecting ? EPOLLIN | EPOLLOUT : EPOLLIN);
	return conn;
}

void
conn_close(struct conn *conn)
{
	if (conn == NULL || conn->dead)
		return;
	close(conn->fd);
	conn->dead = true;
	conn->next_dead = graveyard;
	graveyard = conn;
}

void
conn_end(struct conn *conn)
{
	conn_close(conn);
	if (conn->ops->closed)
		conn->ops->closed(conn);
}

void
conn_orphan(struct conn *conn, const struct conn_ops *ops)
{
	conn->owner = NULL;
	conn->ops = ops;
}

void
conn_discard(struct conn *conn)
{
	static const struct conn_ops none;

	if (conn == NULL)
		return;
	conn_orphan(conn, &none);
	conn_close(conn);
}

/* Sends what the socket takes now. An error shows up as a read event. */
static size_t
send_some(struct conn *conn, const char *bytes, size_t len)
{
	ssize_t sent = send(conn->fd, bytes, len, MSG_NOSIGNAL);

	return sent > 0 ? (size_t)sent : 0;
}

void
conn_write(struct conn *conn, const char *bytes, size_t len)
{
	size_t sent = 0;

	if (conn->dead)
		return;
	if (!conn->connecting && conn->out.len == 0)
		sent = send_some(conn, bytes, len);
	if (sent == len)
		return;
	buf_add(&conn->out, bytes + sent, len - sent);
	watch(conn, EPOLL_CTL_MOD, EPOLLIN | EPOLLOUT);
}

static void
on_writable(struct conn *conn)
{
	struct buf *out = &conn->out;

	conn->connecting = false;
	if (out->len > conn->out_sent)
		conn->out_sent += send_some(conn, out->data + conn->out_sent,
		    out->len - conn->out_sent);
	if (conn->out_sent < out->len)
		return;
	buf_release(out);
	conn->out_sent = 0;
	watch(conn, EPOLL_CTL_MOD, EPOLLIN);
}

/* The end of a connection is the end of an answer that had no other. */
static void
on_eof(struct conn *conn)
{
	if (conn->http.state == HTTP_UNTIL_CLOSE && conn->ops->done) {
		conn->http.keep = false;
		conn->ops->done(conn);
	}
	if (!conn->dead)
		conn_end(conn);
}

/* Reads behind what is left over, or into `scratch`; the number of bytes as recv says it. */
static ssize_t
read_more(struct conn *conn, char *scratch)
{
	if (conn->in.len == 0)
		return recv(conn->fd, scratch, READ_SIZE, 0);
	buf_reserve(&conn->in, READ_MORE);
	return recv(conn->fd, conn->in.data + conn->in.len, conn->in.cap - conn->in.len, 0);
}

/* Parses bytes that lie in `scratch`; an incomplete rest moves to conn->in. */
static void
feed_fresh(struct conn *conn, const char *scratch, size_t len)
{
	size_t used = http_feed(conn, scratch, len);

	if (!conn->dead)
		buf_add(&conn->in, scratch + used, len - used);
}

/* Parses a rest that has grown by `len` bytes. */
static void
feed_rest(struct conn *conn, size_t len)
{
	size_t used;

	conn->in.len += len;
	used = http_feed(conn, conn->in.data, conn->in.len);
	if (conn->dead)
		return;
	buf_drop(&conn->in, used);
	if (conn->in.len == 0)
		buf_release(&conn->in);
}

static void
on_readable(struct conn *conn)
{
	static char scratch[READ_SIZE];
	ssize_t got = read_more(conn, scratch);

	if (got < 0 && errno == EAGAIN)
		return;
	if (got > 0)
		stat_count.received += (uint64_t)got;
	if (got <= 0)
		on_eof(conn);
	else if (conn->in.len == 0)
		feed_fresh(conn, scratch, (size_t)got);
	else
		feed_rest(conn, (size_t)got);
}

static void
bury(void)
{
	struct conn *conn;

	while ((conn = graveyard) != NULL) {
		graveyard = conn->next_dead;
		buf_release(&conn->in);
		buf_release(&conn->out);
		free(conn);
	}
}

void
conn_poll(double seconds)
{
	struct epoll_event events[ROUND_EVENTS];
	struct timespec wait = { .tv_sec = (time_t)seconds };
	struct conn *conn;
	int count;

	wait.tv_nsec = (long)((seconds - (double)wait.tv_sec) * 1e9);
	count = epoll_pwait2(epoll_fd, events, ROUND_EVENTS, &wait, NULL);
	for (int i = 0; i < count; i++) {
		conn = events[i].data.ptr;
		if (!conn->dead && events[i].events & EPOLLOUT)
			on_writable(conn);
		if (!conn->dead && events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR))
			on_readable(conn);
	}
	bury();
}
