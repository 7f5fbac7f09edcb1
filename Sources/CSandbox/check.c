// Tries out on a child whether confinement holds on this machine.
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sandbox.h"

int sandbox_landlock_alone(const sandbox_rule *rules, int count);

static int opens(const char *path, int flags) {
    int fd = open(path, flags | O_CLOEXEC, 0600);
    if (fd < 0) return 0;
    close(fd);
    return 1;
}

static int socket_opens(int family, int type) {
    int fd = socket(family, type, 0);
    if (fd < 0) return 0;
    close(fd);
    return 1;
}

static int can_work(const char *own_file) {
    char back[4] = {0};
    int fd = open(own_file, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return 0;
    int good = write(fd, "abc", 3) == 3 && pread(fd, back, 3, 0) == 3 && memcmp(back, "abc", 3) == 0;
    close(fd);
    unlink(own_file);
    void *memory = mmap(NULL, 1 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return good && memory != MAP_FAILED;
}

static int process_starts(void) {
    pid_t child = fork();
    if (child == 0) _exit(0);
    if (child > 0) waitpid(child, NULL, 0);
    return child > 0;
}

static void try_all(const char *own_file, const char *other_file, pid_t parent, sandbox_report *report) {
    report->cannot_work = !can_work(own_file);
    report->reads_elsewhere = opens("/etc/passwd", O_RDONLY);
    report->writes_elsewhere = opens(other_file, O_WRONLY | O_CREAT);
    report->opens_socket = socket_opens(AF_INET, SOCK_STREAM) || socket_opens(AF_INET6, SOCK_DGRAM) || socket_opens(AF_UNIX, SOCK_STREAM);
    report->starts_process = process_starts();
    report->traces = ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0;
    report->signals_parent = kill(parent, 0) == 0;
    report->maps_executable = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED;
    struct rlimit more = {1 << 20, 1 << 20};
    report->raises_limit = setrlimit(RLIMIT_FSIZE, &more) == 0;
    // Running a program would replace this process; its exit status tells (see below).
    char *const arguments[] = {"/bin/true", NULL};
    execve(arguments[0], arguments, arguments + 1);
}

int sandbox_check(const char *folder, sandbox_report *report) {
    char own_file[4096], other_file[4096];
    if (snprintf(own_file, sizeof own_file, "%s/sandbox-check", folder) >= (int)sizeof own_file) return ENAMETOOLONG;
    if (snprintf(other_file, sizeof other_file, "%s.elsewhere", folder) >= (int)sizeof other_file) return ENAMETOOLONG;
    sandbox_report *shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) return errno;
    memset(shared, 0, sizeof *shared);

    enum { REFUSED_ALL = 42, COULD_NOT_CONFINE = 43 };
    pid_t parent = getpid();
    pid_t child = fork();
    if (child < 0) {
        int error = errno;
        munmap(shared, sizeof *shared);
        return error;
    }
    if (child == 0) {
        sandbox_rule rules[] = {{folder, SANDBOX_WRITE, 0}, {"/usr", SANDBOX_READ, 1}};
        sandbox_limits limits = {1ull << 32, 10, 1 << 16, 64, 64};
        int error = sandbox_no_new_privileges();
        if (!error) error = sandbox_set_limits(&limits);
        if (!error && sandbox_landlock_abi() > 0) error = sandbox_landlock_alone(rules, 2);
        if (!error) error = sandbox_seccomp();
        if (error) _exit(COULD_NOT_CONFINE);
        try_all(own_file, other_file, parent, shared);
        _exit(REFUSED_ALL);
    }
    int status = 0;
    while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
    if (shared->writes_elsewhere) unlink(other_file);
    *report = *shared;
    munmap(shared, sizeof *shared);
    if (WIFEXITED(status) && WEXITSTATUS(status) == COULD_NOT_CONFINE) return ENOTSUP;
    report->runs_program = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    return WIFEXITED(status) ? 0 : EFAULT;  // EFAULT: the child was killed, so not everything was tried
}
