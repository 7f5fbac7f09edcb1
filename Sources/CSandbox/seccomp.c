// A seccomp filter written by hand: an allow-list, with conditions on the arguments of a few calls.
#define _GNU_SOURCE
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "sandbox.h"

#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE AUDIT_ARCH_AARCH64
#else
#error "the list of system calls is written for x86_64 and aarch64"
#endif

#ifndef SYS_faccessat2
#define SYS_faccessat2 439
#endif

#define CAPACITY 512

struct program {
    struct sock_filter code[CAPACITY];
    unsigned short length;
};

static void emit(struct program *p, unsigned short code, unsigned char yes, unsigned char no, unsigned int k) {
    if (p->length < CAPACITY) p->code[p->length] = (struct sock_filter){code, yes, no, k};
    p->length++;
}

static void load(struct program *p, size_t offset) { emit(p, BPF_LD | BPF_W | BPF_ABS, 0, 0, (unsigned int)offset); }
static void answer(struct program *p, unsigned int what) { emit(p, BPF_RET | BPF_K, 0, 0, what); }

static void number(struct program *p) { load(p, offsetof(struct seccomp_data, nr)); }
// The lower half of an argument; both architectures are little-endian.
static void argument(struct program *p, int index) { load(p, offsetof(struct seccomp_data, args) + 8 * (size_t)index); }

static void allow(struct program *p, long call) {
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, (unsigned int)call);
    answer(p, SECCOMP_RET_ALLOW);
}

static void refuse_with(struct program *p, long call, int error) {
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, (unsigned int)call);
    answer(p, SECCOMP_RET_ERRNO | (unsigned int)error);
}

// Allowed when the argument equals `value`; else refused.
static void allow_if_equal(struct program *p, long call, int index, unsigned int value) {
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 4, (unsigned int)call);
    argument(p, index);
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 1, value);
    answer(p, SECCOMP_RET_ALLOW);
    answer(p, SECCOMP_RET_ERRNO | EPERM);
}

// Allowed when the argument has all (`set`) or none (not `set`) of the bits; else refused.
static void allow_by_bits(struct program *p, long call, int index, unsigned int bits, int set) {
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, 0, 4, (unsigned int)call);
    argument(p, index);
    emit(p, BPF_JMP | BPF_JSET | BPF_K, set ? 0 : 1, set ? 1 : 0, bits);
    answer(p, SECCOMP_RET_ALLOW);
    answer(p, SECCOMP_RET_ERRNO | EPERM);
}

// Reading and writing what is open, opening what Landlock leaves, memory, threads of one's own, clocks.
static const long allowed[] = {
    SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_pwrite64, SYS_lseek, SYS_openat, SYS_close, SYS_fstat, SYS_newfstatat,
    SYS_statx, SYS_faccessat, SYS_faccessat2, SYS_readlinkat, SYS_getdents64, SYS_getcwd, SYS_fcntl, SYS_flock, SYS_dup, SYS_dup3,
    SYS_unlinkat, SYS_renameat2, SYS_mkdirat, SYS_symlinkat, SYS_ftruncate, SYS_fallocate, SYS_fsync, SYS_fdatasync, SYS_umask,
    SYS_fadvise64, SYS_statfs, SYS_fstatfs,
    SYS_munmap, SYS_mremap, SYS_madvise, SYS_brk, SYS_msync,
    SYS_futex, SYS_exit, SYS_exit_group, SYS_rt_sigreturn, SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_sigaltstack, SYS_restart_syscall,
    SYS_set_robust_list, SYS_rseq, SYS_set_tid_address, SYS_sched_yield, SYS_sched_getaffinity, SYS_membarrier,
    SYS_clock_gettime, SYS_clock_getres, SYS_clock_nanosleep, SYS_nanosleep, SYS_gettimeofday,
    SYS_getpid, SYS_gettid, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid, SYS_getrusage, SYS_sysinfo, SYS_uname, SYS_getrandom,
    SYS_ppoll,
#if defined(__x86_64__)
    // The older forms that aarch64 never had.
    SYS_open, SYS_stat, SYS_lstat, SYS_access, SYS_readlink, SYS_dup2, SYS_unlink, SYS_rename, SYS_mkdir, SYS_rmdir, SYS_symlink, SYS_poll,
    SYS_time, SYS_renameat,
#else
    SYS_renameat,
#endif
};

static void write_filter(struct program *p) {
    load(p, offsetof(struct seccomp_data, arch));
    emit(p, BPF_JMP | BPF_JEQ | BPF_K, 1, 0, NATIVE);
    answer(p, SECCOMP_RET_KILL_PROCESS);
    number(p);
#if defined(__x86_64__)
    // The x32 interface numbers its calls from here; it would pass by the list.
    emit(p, BPF_JMP | BPF_JGE | BPF_K, 0, 1, 0x40000000);
    answer(p, SECCOMP_RET_KILL_PROCESS);
#endif
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++) allow(p, allowed[i]);

    // Memory may be had, but none that runs: code that came as data stays data.
    allow_by_bits(p, SYS_mmap, 2, PROT_EXEC, 0);
    allow_by_bits(p, SYS_mprotect, 2, PROT_EXEC, 0);
    // Threads, not processes. clone3 keeps its flags in memory where a filter cannot look, and glibc falls back to clone.
    allow_by_bits(p, SYS_clone, 0, CLONE_THREAD, 1);
    refuse_with(p, SYS_clone3, ENOSYS);
    // isatty asks this; other controls of a terminal could type into it.
    allow_if_equal(p, SYS_ioctl, 1, TCGETS);
    // A thread's name.
    allow_if_equal(p, SYS_prctl, 0, PR_SET_NAME);
    // abort() sends itself a signal; nobody else gets one.
    allow_if_equal(p, SYS_tgkill, 0, (unsigned int)getpid());
    // Limits may be looked at (the new limit's address is null), not changed.
    allow_if_equal(p, SYS_prlimit64, 2, 0);

    answer(p, SECCOMP_RET_ERRNO | EPERM);
}

int sandbox_seccomp_available(void) {
    unsigned int action = SECCOMP_RET_KILL_PROCESS;
    return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

int sandbox_seccomp(void) {
    struct program program = {.length = 0};
    write_filter(&program);
    if (program.length > CAPACITY) return E2BIG;
    struct sock_fprog whole = {program.length, program.code};
    long thread = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_TSYNC, &whole);
    if (thread < 0) return errno;
    return thread == 0 ? 0 : EBUSY;  // the thread that could not be brought in
}
