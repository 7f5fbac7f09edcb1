// Landlock by its raw system calls; glibc has no wrappers. Documentation/userspace-api/landlock.rst of Linux.
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox.h"

// The numbers are the same on every architecture.
#define NR_CREATE_RULESET 444
#define NR_ADD_RULE 445
#define NR_RESTRICT_SELF 446
#define CREATE_RULESET_VERSION 1u
#define RULE_PATH_BENEATH 1

// Written out, because the headers of the build machine may be older than the kernel it runs on.
struct ruleset_attributes {
    uint64_t handled_access_fs;
    uint64_t handled_access_net;  // ABI 4
    uint64_t scoped;              // ABI 6
};

struct path_beneath {
    uint64_t allowed_access;
    int32_t parent_fd;
} __attribute__((packed));

#define FS_EXECUTE (1ull << 0)
#define FS_WRITE_FILE (1ull << 1)
#define FS_READ_FILE (1ull << 2)
#define FS_READ_DIR (1ull << 3)
#define FS_REMOVE_DIR (1ull << 4)
#define FS_REMOVE_FILE (1ull << 5)
#define FS_MAKE_DIR (1ull << 7)
#define FS_MAKE_REG (1ull << 8)
#define FS_MAKE_SYM (1ull << 12)
#define FS_REFER (1ull << 13)      // ABI 2
#define FS_TRUNCATE (1ull << 14)   // ABI 3
#define FS_IOCTL_DEV (1ull << 15)  // ABI 5
#define FS_ALL_OF_ABI_1 ((1ull << 13) - 1)

#define READING (FS_READ_FILE | FS_READ_DIR)
#define WRITING (FS_WRITE_FILE | FS_REMOVE_DIR | FS_REMOVE_FILE | FS_MAKE_DIR | FS_MAKE_REG | FS_MAKE_SYM | FS_TRUNCATE)
// What a rule for a file, not a folder, may name.
#define OF_FILES (FS_READ_FILE | FS_WRITE_FILE | FS_TRUNCATE)

int sandbox_landlock_abi(void) {
    long abi = syscall(NR_CREATE_RULESET, (void *)0, 0, CREATE_RULESET_VERSION);
    return abi > 0 ? (int)abi : 0;
}

// Looks at /proc/self/task, where every thread has an entry. An unreadable /proc counts as one thread.
static int thread_count(void) {
    DIR *tasks = opendir("/proc/self/task");
    if (!tasks) return 1;
    int count = 0;
    struct dirent *entry;
    while ((entry = readdir(tasks))) count += entry->d_name[0] != '.';
    closedir(tasks);
    return count;
}

static int add(int ruleset, uint64_t handled, const sandbox_rule *rule) {
    int fd = open(rule->path, O_PATH | O_CLOEXEC);
    if (fd < 0) return rule->optional && (errno == ENOENT || errno == EACCES) ? 0 : errno;
    struct stat about;
    if (fstat(fd, &about) != 0) {
        int error = errno;
        close(fd);
        return error;
    }
    struct path_beneath beneath = {.allowed_access = READING, .parent_fd = fd};
    if (rule->rights & SANDBOX_WRITE) beneath.allowed_access |= WRITING;
    beneath.allowed_access &= handled;
    if (!S_ISDIR(about.st_mode)) beneath.allowed_access &= OF_FILES;
    int error = syscall(NR_ADD_RULE, ruleset, RULE_PATH_BENEATH, &beneath, 0) == 0 ? 0 : errno;
    close(fd);
    return error;
}

// After fork there is one thread and /proc need not be asked, which would not be safe there.
int sandbox_landlock_alone(const sandbox_rule *rules, int count) {
    int abi = sandbox_landlock_abi();
    if (abi < 1) return ENOSYS;
    struct ruleset_attributes attributes = {.handled_access_fs = FS_ALL_OF_ABI_1};
    size_t size = sizeof attributes.handled_access_fs;
    if (abi >= 2) attributes.handled_access_fs |= FS_REFER;
    if (abi >= 3) attributes.handled_access_fs |= FS_TRUNCATE;
    if (abi >= 4) {
        attributes.handled_access_net = 3;  // TCP bind and connect
        size = 2 * sizeof(uint64_t);
    }
    if (abi >= 5) attributes.handled_access_fs |= FS_IOCTL_DEV;
    if (abi >= 6) {
        attributes.scoped = 3;  // abstract Unix sockets and signals
        size = 3 * sizeof(uint64_t);
    }
    int ruleset = (int)syscall(NR_CREATE_RULESET, &attributes, size, 0);
    if (ruleset < 0) return errno;
    int error = 0;
    for (int i = 0; i < count && !error; i++) error = add(ruleset, attributes.handled_access_fs, &rules[i]);
    if (!error && syscall(NR_RESTRICT_SELF, ruleset, 0) != 0) error = errno;
    close(ruleset);
    return error;
}

int sandbox_landlock(const sandbox_rule *rules, int count) {
    if (thread_count() != 1) return EBUSY;
    return sandbox_landlock_alone(rules, count);
}
