/*
 * home - where a copy of sigpost that was only unpacked keeps its database.
 *
 * On shared hosting nobody installs anything: the first request finds a private place and writes it down, as `db`
 * in sigpost.conf beside the program. Outside of what the web server serves if anything there can be written: the
 * topmost directory above the document root that is ours, or $HOME. Otherwise inside, under a name of 128 random
 * bits that .htaccess denies, and only if the web server has refused to give out a file from there (home_refused).
 */
#ifndef SIGPOST_HOME_H
#define SIGPOST_HOME_H

#include <limits.h>
#include <stdbool.h>

#define HOME_CONF	"sigpost.conf"
#define HOME_CONF_NEW	HOME_CONF ".new"
#define HOME_CANARY	"canary.txt"

struct home {
	char		 kit[PATH_MAX];		/* the program's directory */
	char		 root[PATH_MAX];	/* what is served; "": not known */
	char		 place[PATH_MAX];	/* what was found */
	bool		 inside;		/* place is below root: to be proven refused */
	const char	*why;			/* a sentence for whoever set this up, after an error */
};

/* kit: the program's directory; root: DOCUMENT_ROOT, or NULL. -ERR_BAD: kit is no directory. */
int	home_init(struct home *h, const char *kit, const char *root);

/* Finds a place and makes it (mode 700, with a .htaccess that denies it). home: HOME, or NULL. 0, or -ERR_FORBIDDEN and h->why. What was
 * made outside once is found again. */
int	home_make(struct home *h, const char *home);

/* Takes away what home_make made inside, and what home_note wrote: it was not refused. */
void	home_unmake(const struct home *h);

/* Writes the place down, in HOME_CONF_NEW; home_keep makes that HOME_CONF. 0, or -ERR_FORBIDDEN and h->why. */
int	home_note(struct home *h);
int	home_keep(struct home *h);

/* ---- home-ask.c ---- */

struct home_site {		/* how the web server is reached: CGI variables; borrowed */
	const char	*address, *port, *host;	/* SERVER_ADDR, SERVER_PORT, HTTP_HOST */
	bool		 tls, proxied;
	const char	*folder;		/* of the kit, as clients write it, with a slash at the end */
};

/* Whether the web server refuses to give out the canary below the place, and HOME_CONF_NEW: 0; -ERR_FORBIDDEN: it gave
 * one out, or could not be asked; h->why. Takes 5 s for each answer that does not come. */
int	home_refused(struct home *h, const struct home_site *s);

#endif
