// Only the reentrant API: every call takes the context of its own thread.
#define GEOS_USE_ONLY_R_API
#include <geos_c.h>
