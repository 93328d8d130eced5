/* mode - the table; see mode.h. */
#include <string.h>

#include "mode.h"

const struct mode *const modes[] = {
	&mode_idle, &mode_lat, &mode_tput, &mode_hs, &mode_post, &mode_peers, NULL
};

const struct mode *
mode_find(const char *name)
{
	for (const struct mode *const *mode = modes; *mode; mode++)
		if (strcmp((*mode)->name, name) == 0)
			return *mode;
	return NULL;
}
