#define _GNU_SOURCE
#include <errno.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include "sandbox.h"

int sandbox_no_new_privileges(void) {
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return errno;
    // Neither a dump of memory nor another process's look into it.
    return prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 ? 0 : errno;
}

// Lowers, never raises: a limit that is stricter already stays.
static int lower(int what, uint64_t soft, uint64_t hard) {
    struct rlimit limit;
    if (getrlimit((__rlimit_resource_t)what, &limit) != 0) return errno;
    if (hard < limit.rlim_max) limit.rlim_max = hard;
    if (soft < limit.rlim_cur) limit.rlim_cur = soft;
    if (limit.rlim_cur > limit.rlim_max) limit.rlim_cur = limit.rlim_max;
    return setrlimit((__rlimit_resource_t)what, &limit) == 0 ? 0 : errno;
}

int sandbox_set_limits(const sandbox_limits *limits) {
    int error = lower(RLIMIT_CORE, 0, 0);
    if (!error) error = lower(RLIMIT_AS, limits->address_space_bytes, limits->address_space_bytes);
    if (!error) error = lower(RLIMIT_CPU, limits->cpu_seconds, limits->cpu_seconds + 2);
    if (!error) error = lower(RLIMIT_FSIZE, limits->file_bytes, limits->file_bytes);
    if (!error) error = lower(RLIMIT_NOFILE, limits->open_files, limits->open_files);
    if (!error) error = lower(RLIMIT_NPROC, limits->processes, limits->processes);
    return error;
}
