/* adapter - the table; see adapter.h. */
#include <string.h>

#include "adapter.h"

const struct adapter *const adapters[] = {
	&adapter_sigpost,
	&adapter_peerjs_ws,
	&adapter_sigver_sse,
	&adapter_nchan_sse,
	&adapter_null_post,
	&adapter_star,
	&adapter_star_sio,
	NULL
};

const struct adapter *
adapter_find(const char *name)
{
	for (const struct adapter *const *adapter = adapters; *adapter; adapter++)
		if (strcmp((*adapter)->name, name) == 0)
			return *adapter;
	return NULL;
}
