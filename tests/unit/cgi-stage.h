/*
 * cgi-stage - a CGI gate in a real loop, with couriers of our own making in front of it and a
 * fake hub behind it that answers by path: /stream with a head and nothing more, everything
 * else with the body it came with. A request the gate refuses is answered "refused NAME".
 */
#ifndef SIGPOST_TESTS_CGI_STAGE_H
#define SIGPOST_TESTS_CGI_STAGE_H

#include "unit.h"

#include <poll.h>
#include <sys/resource.h>
#include <time.h>

#include "conn.h"
#include "gate-cgi.h"
#include "handoff.h"

#define PATIENCE_MS	5000
#define MESSAGE_MAX	(HANDOFF_HEAD + HANDOFF_VARS_MAX + 64)

#define POST	"REQUEST_METHOD=POST REQUEST_URI=/echo CONTENT_LENGTH="
#define GET	"REQUEST_METHOD=GET REQUEST_URI=/echo"
#define STREAM	"REQUEST_METHOD=GET REQUEST_URI=/stream"

/* ---- the stage ---- */

struct seen {
	struct conn	*conn;		/* of the stream, while it is open */
	int		 taken, refused;	/* requests */
	int		 gone, room;	/* calls about the stream */
	int		 turns;
	struct conn	*answered[64];	/* leave at the end of the turn */
	int		 answers;
};

extern char		 stage_dir[];
extern struct loop	 stage_loop;
extern struct hub	 hub;
extern struct conf	 conf;
extern struct gate_cgi	*gate;
extern struct seen	 seen;

/* For cmocka: once, and around every test. */
int	stage_make_dir(void **state);
int	stage_remove_dir(void **state);
int	stage_start(void **state);
int	stage_stop(void **state);
void	stage_turn(void *arg);

const char	*beside(const char *suffix);	/* the name of a file beside the database */
int		 lowest_fd(void);		/* the same as before: nothing leaked */
struct rlimit	 leave_fds(int n);		/* lets this process open n more; the old limit */

/* ---- time ---- */

int64_t	mono(void);
void	step(void);		/* one turn, at most 2 ms */
void	pass(int64_t ms);

#define until(fact) \
	do { \
		int64_t until_ = mono() + PATIENCE_MS; \
		while (!(fact)) { \
			assert_true(mono() < until_); \
			step(); \
		} \
	} while (0)

/* ---- couriers ---- */

struct courier {
	int	s;		/* to the hub */
	int	in, out;	/* our ends of its fd 0 and fd 1; in -1: closed */
	int	give[2];	/* the ends that travel */
	char	message[MESSAGE_MAX];
	size_t	n, sent;
};

/* vars: "NAME=value" separated by a blank. */
void	with_pipes(struct courier *c, const char *vars);	/* as lighttpd and mod_cgi start a child */
void	with_socket(struct courier *c, const char *vars);	/* as mod_cgid does */
int	knock(void);
/* Sends n more bytes; the first carry the descriptors, which are closed here, as by an exit. */
void	send_some(struct courier *c, size_t n);
void	send_all(struct courier *c);
/* The hub's answer: a byte, 0 for a connection that ended without, -1 for none yet. */
int	peek(struct courier *c);
int	verdict(struct courier *c);	/* waits for it */
const char *read_all(struct courier *c);	/* the CGI answer, to its end */
void	hang_up_body(struct courier *c);
void	end(struct courier *c);
void	open_stream(struct courier *c, bool socket);

#define assert_answer(c, text) assert_string_equal(read_all(c), "Status: 200 OK\r\n\r\n" text)

#define with_stage(test) cmocka_unit_test_setup_teardown(test, stage_start, stage_stop)

#endif
