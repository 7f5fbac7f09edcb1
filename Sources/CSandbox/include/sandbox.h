// What a program needs to lock itself in, and what Swift cannot call by itself: Landlock, seccomp and resource limits of Linux.
//
// Every function returns 0, or the errno of what failed. Confinement cannot be undone by the process that asked for it.
#ifndef KASANE_SANDBOX_H
#define KASANE_SANDBOX_H

#include <stdint.h>

enum {
    SANDBOX_READ = 1,   // read files and list folders under the path
    SANDBOX_WRITE = 2,  // also make, write, rename and remove files, folders and symbolic links under it
};

// A file or folder and what may be done under it. A path that does not exist is passed over when `optional` is not 0.
typedef struct {
    const char *path;
    int rights;
    int optional;
} sandbox_rule;

// Limits of setrlimit(2); core dumps are always off.
typedef struct {
    uint64_t address_space_bytes;
    uint64_t cpu_seconds;  // SIGXCPU at the limit, SIGKILL two seconds later
    uint64_t file_bytes;   // of any one file written
    uint64_t open_files;
    uint64_t processes;    // of the user, threads counted; not enforced by Linux for a privileged user
} sandbox_limits;

// The version of the Landlock interface (1 and up), or 0 when the kernel has none or has it switched off.
int sandbox_landlock_abi(void);

// 1 when the kernel takes seccomp filters.
int sandbox_seccomp_available(void);

// No program started from here gains rights, which Landlock and seccomp need. Cannot be undone.
int sandbox_no_new_privileges(void);

int sandbox_set_limits(const sandbox_limits *limits);

// Leaves of the file system only what the rules name, and no TCP, no abstract sockets and no signals to others where the kernel can forbid
// them. Confines the calling thread and what it starts, so it must be called while there is one thread: EBUSY otherwise.
int sandbox_landlock(const sandbox_rule *rules, int count);

// Leaves only the system calls that reading files and computing need, for all threads: no sockets, no programs, no other processes, no
// tracing, mounting or modules, and no new executable memory. All others answer EPERM.
int sandbox_seccomp(void);

// What a confined process was able to do in `sandbox_check`; all of them must be 0.
typedef struct {
    int reads_elsewhere;    // opened /etc/passwd
    int writes_elsewhere;   // made a file outside its folder
    int opens_socket;       // of the internet or local
    int runs_program;
    int starts_process;
    int traces;
    int signals_parent;
    int maps_executable;
    int raises_limit;
    int cannot_work;        // could NOT write in its own folder, read it back, or start a thread's worth of memory
} sandbox_report;

// Starts a child, confines it to `folder` by all of the above, lets it try what it must not be able to do, and reports. What the kernel
// does not offer (no Landlock: abi 0) is left out, and then shows in the report. The child calls only what is safe after fork.
int sandbox_check(const char *folder, sandbox_report *report);

#endif
