/* Preloaded into a program, makes the n-th change of a file below one folder its last, or makes it fail.
 *
 * EVALKIT_FAULT_FOLDER  changes below this folder are counted; without it nothing happens
 * EVALKIT_FAULT_AT      the number of the change that is meant, from 1; 0 is none
 * EVALKIT_FAULT_KIND    before | after: SIGKILL there;  power: killed, and what was written since the last sync of its file is gone;
 *                       unsynced: the same, and no sync is one;
 *                       enospc | eio | edquot | erofs: it and all later ones fail;  short: half of it is written
 * EVALKIT_FAULT_COUNT   a file that holds how many changes there were
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
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

/* What a write that was not synced has covered up, so that a power cut can bring it back. Files are kept open: to close
 * one would let go of the locks that the program holds on it. */
struct covered { int fd; ino_t file; off_t at, size_before; size_t length; char *bytes; struct covered *earlier; };
static struct covered *unsynced;
static pthread_mutex_t at_work = PTHREAD_MUTEX_INITIALIZER;

static int power(void) {
    const char *kind = getenv("EVALKIT_FAULT_KIND");
    return kind && (!strcmp(kind, "power") || !strcmp(kind, "unsynced"));
}

static int kept_open(int fd, ino_t file) {
    char link[64];
    for (struct covered *one = unsynced; one; one = one->earlier)
        if (one->file == file) return one->fd;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    return syscall(SYS_openat, AT_FDCWD, link, O_RDWR | O_CLOEXEC, 0);
}

static void cover(int fd, off_t at, size_t size) {
    struct stat now;
    struct covered *one = calloc(1, sizeof *one);
    pthread_mutex_lock(&at_work);
    fstat(fd, &now);
    one->fd = kept_open(fd, now.st_ino);
    one->file = now.st_ino;
    one->at = at, one->size_before = now.st_size;
    one->bytes = malloc(size + 1);
    long n = syscall(SYS_pread64, one->fd, one->bytes, size, at);
    one->length = n > 0 ? (size_t)n : 0;
    one->earlier = unsynced, unsynced = one;
    pthread_mutex_unlock(&at_work);
}

static void synced(int fd) {
    struct stat now;
    const char *kind = getenv("EVALKIT_FAULT_KIND");
    if (kind && !strcmp(kind, "unsynced")) return;
    pthread_mutex_lock(&at_work);
    fstat(fd, &now);
    for (struct covered **place = &unsynced; *place;)
        if ((*place)->file == now.st_ino) *place = (*place)->earlier;
        else place = &(*place)->earlier;
    pthread_mutex_unlock(&at_work);
}

static void uncover(void) {
    pthread_mutex_lock(&at_work);
    for (struct covered *one = unsynced; one; one = one->earlier) {
        syscall(SYS_pwrite64, one->fd, one->bytes, one->length, one->at);
        syscall(SYS_ftruncate, one->fd, one->size_before);
    }
}

static off_t place(int fd) { return fcntl(fd, F_GETFL) & O_APPEND ? lseek(fd, 0, SEEK_END) : lseek(fd, 0, SEEK_CUR); }

static enum fate next(void) {
    long n = __sync_add_and_fetch(&changes, 1);
    const char *at = getenv("EVALKIT_FAULT_AT"), *kind = getenv("EVALKIT_FAULT_KIND");
    long wanted = at ? atol(at) : 0;
    told(n);
    if (!wanted || !kind || n < wanted) return GOES_ON;
    static const struct { const char *kind; int number; } faults[] = {
        {"enospc", ENOSPC}, {"eio", EIO}, {"edquot", EDQUOT}, {"erofs", EROFS}};
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++)
        if (!strcmp(kind, faults[i].kind)) { errno = faults[i].number; return FAILS; }
    if (n > wanted) return GOES_ON;
    if (!strcmp(kind, "short")) return SHORT;
    if (!strcmp(kind, "before")) die();
    if (power()) uncover(), die();
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
#define WRITE(concerned, size, at, call)               \
    do {                                               \
        if (!(concerned)) return call;                 \
        enum fate fate = next();                       \
        if (fate == FAILS) return -1;                  \
        if (fate == SHORT && size > 1) size /= 2;      \
        if (power()) cover(fd, at, size);              \
        ssize_t result = call;                         \
        if (fate == DIES_AFTER) die();                 \
        return result;                                 \
    } while (0)

ssize_t write(int fd, const void *data, size_t size) { WRITE(open_below(fd), size, place(fd), REAL(write)(fd, data, size)); }
ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { WRITE(open_below(fd), size, at, REAL(pwrite)(fd, data, size, at)); }
ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) { WRITE(open_below(fd), size, at, REAL(pwrite64)(fd, data, size, at)); }
#define SYNC(call)                                     \
    do {                                               \
        if (!open_below(fd)) return call;              \
        enum fate fate = next();                       \
        if (fate == FAILS) return -1;                  \
        int result = call;                             \
        synced(fd);                                    \
        if (fate == DIES_AFTER) die();                 \
        return result;                                 \
    } while (0)
#define CUT(call)                                      \
    do {                                               \
        struct stat now;                               \
        if (!open_below(fd)) return call;              \
        enum fate fate = next();                       \
        if (fate == FAILS) return -1;                  \
        if (power() && !fstat(fd, &now) && now.st_size > size) cover(fd, size, (size_t)(now.st_size - size)); \
        int result = call;                             \
        if (fate == DIES_AFTER) die();                 \
        return result;                                 \
    } while (0)
int fsync(int fd) { SYNC(REAL(fsync)(fd)); }
int fdatasync(int fd) { SYNC(REAL(fdatasync)(fd)); }
int ftruncate(int fd, off_t size) { CUT(REAL(ftruncate)(fd, size)); }
int ftruncate64(int fd, off64_t size) { CUT(REAL(ftruncate64)(fd, size)); }
int rename(const char *from, const char *to) { CHANGE(below(from) || below(to), REAL(rename)(from, to)); }
int renameat(int a, const char *from, int b, const char *to) { CHANGE(below(from) || below(to), REAL(renameat)(a, from, b, to)); }
int mkdir(const char *path, mode_t mode) { CHANGE(below(path), REAL(mkdir)(path, mode)); }
int link(const char *from, const char *to) { CHANGE(below(to), REAL(link)(from, to)); }
int unlinkat(int at, const char *path, int flags) { CHANGE(below(path), REAL(unlinkat)(at, path, flags)); }
int rmdir(const char *path) { CHANGE(below(path), REAL(rmdir)(path)); }
ssize_t writev(int fd, const struct iovec *parts, int count) { CHANGE(open_below(fd), REAL(writev)(fd, parts, count)); }
int unlink(const char *path) { CHANGE(below(path), REAL(unlink)(path)); }

/* A file that is made or emptied is a change, too. */
#define OPENED(flags, last) \
    mode_t mode = 0;        \
    if (flags & O_CREAT) {  \
        va_list more;       \
        va_start(more, last); \
        mode = va_arg(more, mode_t); \
        va_end(more);       \
    }
#define MAKES(flags) ((flags) & (O_CREAT | O_TRUNC))
int open(const char *path, int flags, ...) { OPENED(flags, flags) CHANGE(MAKES(flags) && below(path), REAL(open)(path, flags, mode)); }
int open64(const char *path, int flags, ...) { OPENED(flags, flags) CHANGE(MAKES(flags) && below(path), REAL(open64)(path, flags, mode)); }
int openat(int at, const char *path, int flags, ...) { OPENED(flags, flags) CHANGE(MAKES(flags) && below(path), REAL(openat)(at, path, flags, mode)); }
