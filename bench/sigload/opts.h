/*
 * opts - the command line of a run, read once; everybody may look, nobody writes later.
 */
#ifndef SIGLOAD_OPTS_H
#define SIGLOAD_OPTS_H

#include <stdio.h>

#include "proc.h"

#define OPTS_STEPS_MAX 16

struct opts_steps {
	int count;
	int streams[OPTS_STEPS_MAX];
};

struct opts {
	const struct mode *mode;
	const struct adapter *adapter;
	char host[64], base[128];	/* from --url; base has no slash at its end */
	int port;
	struct proc_roots roots;	/* whose process trees are accounted */
	struct proc_roots part;		/* idle: whose trees are accounted once more, apart */
	struct opts_steps steps;	/* idle: how many streams to hold, rising */
	int pairs;			/* lat, tput, post */
	int window;			/* tput: messages of a peer under way */
	int conc;			/* peers being opened, or handshakes, at once */
	int batch;			/* messages of a peer in one POST at most */
	int srcips;			/* source addresses 127.0.k.1 */
	int sdp, cand, ncand;		/* bytes of an offer and candidate, candidates a side */
	int sdplat;			/* lat: offers instead of candidates */
	double rate;			/* lat: messages per second and pair */
	double secs, warm;		/* seconds measured, seconds before that */
	double hold;			/* idle: seconds to hold the last step */
	double heartbeat;		/* idle: seconds between heartbeats, 0: none */
	const char *label, *key;
};
extern struct opts opts;

/* Reads mode and options (argv[0] is the mode's name); a mistake prints the usage and exits. */
void opts_read(int argc, char **argv);

/* Reads process ids, one an argument. */
void opts_read_roots(int argc, char **argv);

/* Prints the usage and exits. */
_Noreturn void opts_usage(void);

#endif
