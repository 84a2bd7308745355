/* Preloaded into a program, makes the n-th change of a file below one folder its last, or makes it fail.
 *
 * EVALKIT_FAULT_FOLDER  changes below this folder are counted; without it nothing happens
 * EVALKIT_FAULT_AT      the number of the change that is meant, from 1; 0 is none
 * EVALKIT_FAULT_KIND    before | after: SIGKILL there;  enospc | eio: it and all later ones fail;  short: half of it is written
 * EVALKIT_FAULT_COUNT   a file that holds how many changes there were
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static long changes;
enum fate { GOES_ON, DIES_AFTER, FAILS, SHORT };

static int below(const char *path) {
    const char *folder = getenv("EVALKIT_FAULT_FOLDER");
    return folder && path && strncmp(path, folder, strlen(folder)) == 0;
}

static int open_below(int fd) {
    char link[64], path[4096];
    if (!getenv("EVALKIT_FAULT_FOLDER")) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    if (n < 0) return 0;
    path[n] = 0;
    return below(path);
}

static void told(long n) {
    const char *name = getenv("EVALKIT_FAULT_COUNT");
    char text[32];
    if (!name) return;
    int fd = syscall(SYS_openat, AT_FDCWD, name, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    int size = snprintf(text, sizeof text, "%ld", n);
    if (fd >= 0) {
        syscall(SYS_write, fd, text, (size_t)size);
        syscall(SYS_close, fd);
    }
}

static void die(void) {
    kill(getpid(), SIGKILL);
    for (;;) pause();
}

static enum fate next(void) {
    long n = __sync_add_and_fetch(&changes, 1);
    const char *at = getenv("EVALKIT_FAULT_AT"), *kind = getenv("EVALKIT_FAULT_KIND");
    long wanted = at ? atol(at) : 0;
    told(n);
    if (!wanted || !kind || n < wanted) return GOES_ON;
    if (!strcmp(kind, "enospc")) { errno = ENOSPC; return FAILS; }
    if (!strcmp(kind, "eio")) { errno = EIO; return FAILS; }
    if (n > wanted) return GOES_ON;
    if (!strcmp(kind, "short")) return SHORT;
    if (!strcmp(kind, "before")) die();
    return DIES_AFTER;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))
#define CHANGE(concerned, call)                        \
    do {                                               \
        if (!(concerned)) return call;                 \
        enum fate fate = next();                       \
        if (fate == FAILS) return -1;                  \
        __typeof__(call) result = call;                \
        if (fate == DIES_AFTER) die();                 \
        return result;                                 \
    } while (0)
#define WRITE(concerned, size, call)                   \
    do {                                               \
        if (!(concerned)) return call;                 \
        enum fate fate = next();                       \
        if (fate == FAILS) return -1;                  \
        if (fate == SHORT && size > 1) size /= 2;      \
        ssize_t result = call;                         \
        if (fate == DIES_AFTER) die();                 \
        return result;                                 \
    } while (0)

ssize_t write(int fd, const void *data, size_t size) { WRITE(open_below(fd), size, REAL(write)(fd, data, size)); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { WRITE(open_below(fd), size, REAL(pwrite)(fd, data, size, at)); }
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) { WRITE(open_below(fd), size, REAL(pwrite64)(fd, data, size, at)); }
int fsync(int fd) { CHANGE(open_below(fd), REAL(fsync)(fd)); }
int fdatasync(int fd) { CHANGE(open_below(fd), REAL(fdatasync)(fd)); }
int ftruncate(int fd, off_t size) { CHANGE(open_below(fd), REAL(ftruncate)(fd, size)); }
int ftruncate64(int fd, off64_t size) { CHANGE(open_below(fd), REAL(ftruncate64)(fd, size)); }
int rename(const char *from, const char *to) { CHANGE(below(from) || below(to), REAL(rename)(from, to)); }
int renameat(int a, const char *from, int b, const char *to) { CHANGE(below(from) || below(to), REAL(renameat)(a, from, b, to)); }
int unlink(const char *path) { CHANGE(below(path), REAL(unlink)(path)); }
