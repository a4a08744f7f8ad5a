/* A preload library that remembers how to undo every write and every name that was not synced.
 *
 * The audit's driver loads it into the server under test (LD_PRELOAD). Each change below
 * POWERCUT_DIR is done at once, so that the server reads what it wrote; but first its undo goes to
 * POWERCUT_LOG, a file outside of that directory which survives the server's death. An fsync adds
 * a record that says up to where the undo is void. After a SIGKILL, `cut.py` reads the log and takes
 * back what was never synced: wholly, by sectors, or from some point on. That is a power cut.
 *
 * What always holds: the undo of a change is in the log before the change is in the file, and a
 * sync covers only changes that were complete when it began.
 *
 * Not seen: mapped writes (refused), stdio's writes, raw system calls and io_uring. The server is
 * to use fdatasync through libc in this mode; the driver checks that syncs arrive here.
 *
 * POWERCUT_NOSYNC=1 makes every sync a lie: the "build without fsync" that the audit must catch.
 * POWERCUT_DELAY_US=n replaces the real sync by a pause, which is kinder to a shared disk; a write to
 * a synchronous descriptor pauses as long.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind {
    WRITE = 1,       /* inode, offset, length, old_size; payload: the old bytes */
    SIZE = 2,        /* inode, offset = new size, old_size; payload: the bytes cut off */
    SYNC = 3,        /* inode; offset = last covered seq */
    SYNC_WRITE = 4,  /* offset = seq of the one write that is durable by itself */
    NAME_NEW = 5,    /* inode = directory; path */
    NAME_GONE = 6,   /* inode = directory; path; the old file is kept in limbo under seq */
    RENAME = 7,      /* inode, offset = directories of new and old name, length = moved inode; path old\0new */
    DIR_NEW = 8,     /* inode = directory; path */
    DIR_GONE = 9,    /* inode = directory; path */
    CANCEL = 10,     /* offset = seq of a change that failed */
    SYNC_ALL = 11,   /* offset = last covered seq */
};

struct record {
    uint32_t magic, kind;
    uint64_t seq, inode, offset, length, old_size;
    uint32_t path_bytes, payload_bytes;
};

#define MAGIC 0x70637574u
#define FDS 65536

struct tracked {
    int state; /* 0 unknown, 1 not ours, 2 ours */
    int synchronous;
    ino_t inode;
};

static struct tracked fds[FDS];
static char directory[PATH_MAX];
static size_t directory_bytes;
static char limbo[PATH_MAX];
static int log_fd = -1;
static int no_sync;
static int delay_us = -1;
static uint64_t *sequence; /* shared with forked children */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

#define REAL(result, name, ...)                                    \
    static result (*real_##name)(__VA_ARGS__);                     \
    if (!real_##name) *(void **)(&real_##name) = dlsym(RTLD_NEXT, #name)

static void die(const char *what) {
    fprintf(stderr, "powercut: %s: %s\n", what, strerror(errno));
    abort();
}

__attribute__((constructor)) static void begin(void) {
    const char *dir = getenv("POWERCUT_DIR"), *log = getenv("POWERCUT_LOG");
    if (!dir || !log) return;
    if (!realpath(dir, directory)) die("POWERCUT_DIR");
    directory_bytes = strlen(directory);
    if (snprintf(limbo, sizeof limbo, "%s.limbo", log) >= (int)sizeof limbo) die("POWERCUT_LOG");
    REAL(int, open, const char *, int, ...);
    int fd = real_open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0) die("POWERCUT_LOG");
    log_fd = fcntl(fd, F_DUPFD_CLOEXEC, 900);
    if (log_fd < 0) die("POWERCUT_LOG");
    REAL(int, close, int);
    real_close(fd);
    no_sync = getenv("POWERCUT_NOSYNC") != NULL;
    if (getenv("POWERCUT_DELAY_US")) delay_us = atoi(getenv("POWERCUT_DELAY_US"));
    sequence = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (sequence == MAP_FAILED) die("mmap");
}

static int active(void) { return log_fd >= 0; }

static uint64_t note(struct record record, const char *path, size_t path_bytes, const void *payload, size_t bytes) {
    REAL(ssize_t, writev, int, const struct iovec *, int);
    record.magic = MAGIC;
    record.seq = __atomic_add_fetch(sequence, 1, __ATOMIC_SEQ_CST);
    record.path_bytes = (uint32_t)path_bytes;
    record.payload_bytes = (uint32_t)bytes;
    struct iovec parts[3] = {{&record, sizeof record}, {(void *)path, path_bytes}, {(void *)payload, bytes}};
    ssize_t want = (ssize_t)(sizeof record + path_bytes + bytes);
    if (real_writev(log_fd, parts, 3) != want) die("undo log");
    return record.seq;
}

static int inside(const char *path) {
    return strncmp(path, directory, directory_bytes) == 0 &&
           (path[directory_bytes] == '/' || path[directory_bytes] == 0);
}

/* The absolute form of a path: its directory resolved, its last part as it is. */
static int absolute(int dirfd, const char *path, char *out) {
    char joined[2 * PATH_MAX], base[PATH_MAX] = "";
    if (path[0] != '/') {
        if (dirfd == AT_FDCWD) {
            if (!getcwd(base, sizeof base)) return 0;
        } else {
            char link[64];
            snprintf(link, sizeof link, "/proc/self/fd/%d", dirfd);
            ssize_t n = readlink(link, base, sizeof base - 1);
            if (n < 0) return 0;
            base[n] = 0;
        }
    }
    snprintf(joined, sizeof joined, "%s/%s", base, path);
    size_t n = strlen(joined);
    while (n > 1 && joined[n - 1] == '/') joined[--n] = 0;
    char *slash = strrchr(joined, '/');
    char resolved[PATH_MAX];
    *slash = 0;
    if (!realpath(joined[0] ? joined : "/", resolved)) return 0;
    return snprintf(out, PATH_MAX, "%s/%s", resolved, slash + 1) < PATH_MAX;
}

static int ours_at(int dirfd, const char *path, char *out) {
    int saved = errno;
    int found = active() && path && absolute(dirfd, path, out) && inside(out);
    errno = saved;
    return found;
}

static ino_t parent_inode(const char *path) {
    char parent[PATH_MAX];
    struct stat st;
    strcpy(parent, path);
    *strrchr(parent, '/') = 0;
    return stat(parent[0] ? parent : "/", &st) == 0 ? st.st_ino : 0;
}

static void learn(int fd) {
    char link[64], path[PATH_MAX];
    struct stat st;
    int saved = errno;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    path[n > 0 ? n : 0] = 0;
    if (n > 0 && inside(path) && fstat(fd, &st) == 0) {
        int flags = fcntl(fd, F_GETFL);
        fds[fd].inode = st.st_ino;
        fds[fd].synchronous = (flags & O_DSYNC) != 0; /* O_SYNC contains it */
        fds[fd].state = 2;
    } else {
        fds[fd].state = 1;
    }
    errno = saved;
}

/* Whether fd is a file or directory of ours; a number that was reused unseen is noticed by its inode. */
static int ours(int fd, struct stat *st) {
    if (!active() || fd < 0 || fd >= FDS) return 0;
    if (fds[fd].state == 0) learn(fd);
    if (fds[fd].state == 1) return 0;
    int saved = errno;
    int same = fstat(fd, st) == 0 && st->st_ino == fds[fd].inode;
    if (!same) {
        learn(fd);
        same = fds[fd].state == 2 && fstat(fd, st) == 0;
    }
    errno = saved;
    return same && (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode));
}

static uint64_t note_write(int fd, const struct stat *st, off_t offset, size_t length) {
    REAL(ssize_t, pread, int, void *, size_t, off_t);
    size_t old = 0;
    char *bytes = NULL;
    if (offset < st->st_size) {
        old = (size_t)(st->st_size - offset) < length ? (size_t)(st->st_size - offset) : length;
        /* A descriptor of its own: the server's may be write-only or O_DIRECT. */
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        REAL(int, open, const char *, int, ...);
        int reader = real_open(link, O_RDONLY | O_CLOEXEC);
        bytes = malloc(old);
        if (reader < 0 || !bytes) die("reading the old bytes");
        size_t done = 0;
        while (done < old) {
            ssize_t n = real_pread(reader, bytes + done, old - done, offset + (off_t)done);
            if (n <= 0) die("reading the old bytes");
            done += (size_t)n;
        }
        REAL(int, close, int);
        real_close(reader);
    }
    struct record record = {.kind = WRITE, .inode = st->st_ino, .offset = (uint64_t)offset, .length = length,
                            .old_size = (uint64_t)st->st_size};
    uint64_t seq = note(record, NULL, 0, bytes, old);
    free(bytes);
    return seq;
}

static void note_simple(enum kind kind, ino_t inode, uint64_t offset) {
    struct record record = {.kind = kind, .inode = inode, .offset = offset};
    note(record, NULL, 0, NULL, 0);
}

static size_t total(const struct iovec *parts, int count) {
    size_t sum = 0;
    for (int i = 0; i < count; i++) sum += parts[i].iov_len;
    return sum;
}

/* Every write call: note the undo, write, and void the undo at once where the descriptor is synchronous. */
#define TRACKED_WRITE(fd, where, bytes, call)                                        \
    do {                                                                             \
        struct stat st;                                                              \
        if (!ours(fd, &st)) return call;                                             \
        pthread_mutex_lock(&lock);                                                   \
        fstat(fd, &st);                                                              \
        off_t at = (fcntl(fd, F_GETFL) & O_APPEND) ? st.st_size : (where);           \
        uint64_t seq = note_write(fd, &st, at, bytes);                               \
        ssize_t result = call;                                                       \
        int saved = errno;                                                           \
        pthread_mutex_unlock(&lock);                                                 \
        if (result < 0) note_simple(CANCEL, 0, seq);                                 \
        else if (fds[fd].synchronous && !no_sync) {                                  \
            if (delay_us > 0) usleep((useconds_t)delay_us);                          \
            note_simple(SYNC_WRITE, st.st_ino, seq);                                 \
        }                                                                            \
        errno = saved;                                                               \
        return result;                                                               \
    } while (0)

ssize_t write(int fd, const void *data, size_t bytes) {
    REAL(ssize_t, write, int, const void *, size_t);
    TRACKED_WRITE(fd, lseek(fd, 0, SEEK_CUR), bytes, real_write(fd, data, bytes));
}

ssize_t pwrite(int fd, const void *data, size_t bytes, off_t offset) {
    REAL(ssize_t, pwrite, int, const void *, size_t, off_t);
    TRACKED_WRITE(fd, offset, bytes, real_pwrite(fd, data, bytes, offset));
}
ssize_t pwrite64(int fd, const void *data, size_t bytes, off64_t offset) { return pwrite(fd, data, bytes, offset); }

ssize_t writev(int fd, const struct iovec *parts, int count) {
    REAL(ssize_t, writev, int, const struct iovec *, int);
    TRACKED_WRITE(fd, lseek(fd, 0, SEEK_CUR), total(parts, count), real_writev(fd, parts, count));
}

ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) {
    REAL(ssize_t, pwritev, int, const struct iovec *, int, off_t);
    TRACKED_WRITE(fd, offset, total(parts, count), real_pwritev(fd, parts, count, offset));
}
ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) {
    return pwritev(fd, parts, count, offset);
}
ssize_t pwritev2(int fd, const struct iovec *parts, int count, off_t offset, int flags) {
    if (flags == 0 && offset >= 0) return pwritev(fd, parts, count, offset);
    errno = EOPNOTSUPP; /* per-call durability is not modelled; callers fall back */
    return -1;
}
ssize_t pwritev64v2(int fd, const struct iovec *parts, int count, off64_t offset, int flags) {
    return pwritev2(fd, parts, count, offset, flags);
}

/* In-kernel copies have no undo: the callers' fallback is a loop of reads and writes. */
ssize_t copy_file_range(int in, off64_t *in_at, int out, off64_t *out_at, size_t bytes, unsigned flags) {
    REAL(ssize_t, copy_file_range, int, off64_t *, int, off64_t *, size_t, unsigned);
    struct stat st;
    if (!ours(out, &st)) return real_copy_file_range(in, in_at, out, out_at, bytes, flags);
    errno = EXDEV;
    return -1;
}
ssize_t sendfile(int out, int in, off_t *at, size_t bytes) {
    REAL(ssize_t, sendfile, int, int, off_t *, size_t);
    struct stat st;
    if (!ours(out, &st)) return real_sendfile(out, in, at, bytes);
    errno = EINVAL;
    return -1;
}
ssize_t sendfile64(int out, int in, off64_t *at, size_t bytes) { return sendfile(out, in, at, bytes); }

void *mmap(void *address, size_t bytes, int protection, int flags, int fd, off_t offset) {
    REAL(void *, mmap, void *, size_t, int, int, int, off_t);
    struct stat st;
    if (fd >= 0 && (flags & MAP_SHARED) && (protection & PROT_WRITE) && ours(fd, &st)) {
        fprintf(stderr, "powercut: a writable shared mapping of a data file cannot be audited\n");
        abort();
    }
    return real_mmap(address, bytes, protection, flags, fd, offset);
}
void *mmap64(void *address, size_t bytes, int protection, int flags, int fd, off64_t offset) {
    return mmap(address, bytes, protection, flags, fd, offset);
}

static uint64_t note_size(int fd, const struct stat *st, off_t size) {
    char *bytes = NULL;
    size_t lost = st->st_size > size ? (size_t)(st->st_size - size) : 0;
    if (lost) {
        REAL(ssize_t, pread, int, void *, size_t, off_t);
        REAL(int, open, const char *, int, ...);
        REAL(int, close, int);
        char link[64];
        snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
        int reader = real_open(link, O_RDONLY | O_CLOEXEC);
        bytes = malloc(lost);
        if (reader < 0 || !bytes || real_pread(reader, bytes, lost, size) != (ssize_t)lost) die("reading the old bytes");
        real_close(reader);
    }
    struct record record = {.kind = SIZE, .inode = st->st_ino, .offset = (uint64_t)size, .old_size = (uint64_t)st->st_size};
    uint64_t seq = note(record, NULL, 0, bytes, lost);
    free(bytes);
    return seq;
}

int ftruncate(int fd, off_t size) {
    REAL(int, ftruncate, int, off_t);
    struct stat st;
    if (!ours(fd, &st)) return real_ftruncate(fd, size);
    pthread_mutex_lock(&lock);
    fstat(fd, &st);
    uint64_t seq = note_size(fd, &st, size);
    int result = real_ftruncate(fd, size);
    if (result < 0) note_simple(CANCEL, 0, seq);
    pthread_mutex_unlock(&lock);
    return result;
}
int ftruncate64(int fd, off64_t size) { return ftruncate(fd, size); }

int fallocate(int fd, int mode, off_t offset, off_t length) {
    REAL(int, fallocate, int, int, off_t, off_t);
    struct stat st;
    if (!ours(fd, &st)) return real_fallocate(fd, mode, offset, length);
    if (mode & ~(FALLOC_FL_KEEP_SIZE)) {
        errno = EOPNOTSUPP; /* punching and zeroing are not modelled; callers fall back to writes */
        return -1;
    }
    pthread_mutex_lock(&lock);
    fstat(fd, &st);
    off_t end = offset + length;
    if (!(mode & FALLOC_FL_KEEP_SIZE) && end > st.st_size) note_size(fd, &st, end);
    int result = real_fallocate(fd, mode, offset, length);
    pthread_mutex_unlock(&lock);
    return result;
}
int fallocate64(int fd, int mode, off64_t offset, off64_t length) { return fallocate(fd, mode, offset, length); }
int posix_fallocate(int fd, off_t offset, off_t length) { return fallocate(fd, 0, offset, length) ? errno : 0; }
int posix_fallocate64(int fd, off64_t offset, off64_t length) { return posix_fallocate(fd, offset, length); }

#define TRACKED_SYNC(fd, call)                                                       \
    do {                                                                             \
        struct stat st;                                                              \
        if (!ours(fd, &st)) return call;                                             \
        if (no_sync) return 0;                                                       \
        pthread_mutex_lock(&lock);                                                   \
        uint64_t through = __atomic_load_n(sequence, __ATOMIC_SEQ_CST);              \
        pthread_mutex_unlock(&lock);                                                 \
        int result = 0;                                                              \
        if (delay_us >= 0) usleep((useconds_t)delay_us);                             \
        else result = call;                                                          \
        if (result == 0) note_simple(SYNC, st.st_ino, through);                      \
        return result;                                                               \
    } while (0)

int fsync(int fd) {
    REAL(int, fsync, int);
    TRACKED_SYNC(fd, real_fsync(fd));
}
int fdatasync(int fd) {
    REAL(int, fdatasync, int);
    TRACKED_SYNC(fd, real_fdatasync(fd));
}
int syncfs(int fd) {
    REAL(int, syncfs, int);
    if (active() && !no_sync) note_simple(SYNC_ALL, 0, __atomic_load_n(sequence, __ATOMIC_SEQ_CST));
    return real_syncfs(fd);
}
void sync(void) {
    REAL(void, sync, void);
    if (active() && !no_sync) note_simple(SYNC_ALL, 0, __atomic_load_n(sequence, __ATOMIC_SEQ_CST));
    real_sync();
}

static uint64_t note_name(enum kind kind, const char *path) {
    struct record record = {.kind = kind, .inode = parent_inode(path)};
    return note(record, path, strlen(path), NULL, 0);
}

/* Keeps the file that a name is about to lose, under the number that its undo will have. */
static uint64_t to_limbo(enum kind kind, struct record record, const char *lost, const char *path, size_t path_bytes) {
    char kept[PATH_MAX + 32];
    REAL(int, link, const char *, const char *);
    REAL(int, rename, const char *, const char *);
    static uint64_t counter;
    char first[PATH_MAX + 64];
    snprintf(first, sizeof first, "%s/new-%d-%llu", limbo, getpid(), (unsigned long long)++counter);
    int has = real_link(lost, first) == 0;
    record.kind = kind;
    record.old_size = has ? 1 : 0;
    uint64_t seq = note(record, path, path_bytes, NULL, 0);
    if (has) {
        snprintf(kept, sizeof kept, "%s/%llu", limbo, (unsigned long long)seq);
        if (real_rename(first, kept)) die("limbo");
    }
    return seq;
}

static void new_name(int flags, int dirfd, const char *path) {
    char full[PATH_MAX];
    int saved = errno;
    struct stat st;
    if ((flags & O_CREAT) && ours_at(dirfd, path, full) && lstat(full, &st) != 0) note_name(NAME_NEW, full);
    errno = saved;
}

static int opened(int fd) {
    if (fd >= 0 && fd < FDS && active()) fds[fd].state = 0;
    return fd;
}

#define MODE(flags)                                     \
    mode_t mode = 0;                                    \
    if ((flags) & (O_CREAT | O_TMPFILE)) {              \
        va_list list;                                   \
        va_start(list, flags);                          \
        mode = (mode_t)va_arg(list, int);               \
        va_end(list);                                   \
    }

/* O_TRUNC throws bytes away: it is done as a truncation of its own, which has an undo. */
static int open_tracked(int dirfd, const char *path, int flags, mode_t mode) {
    REAL(int, openat, int, const char *, int, ...);
    char full[PATH_MAX];
    if (!ours_at(dirfd, path, full)) return opened(real_openat(dirfd, path, flags, mode));
    new_name(flags, dirfd, path);
    int fd = opened(real_openat(dirfd, path, flags & ~O_TRUNC, mode));
    struct stat st;
    if (fd >= 0 && (flags & O_TRUNC) && fstat(fd, &st) == 0 && st.st_size > 0) ftruncate(fd, 0);
    return fd;
}

int open(const char *path, int flags, ...) {
    MODE(flags);
    return open_tracked(AT_FDCWD, path, flags, mode);
}
int open64(const char *path, int flags, ...) {
    MODE(flags);
    return open_tracked(AT_FDCWD, path, flags, mode);
}
int openat(int dirfd, const char *path, int flags, ...) {
    MODE(flags);
    return open_tracked(dirfd, path, flags, mode);
}
int openat64(int dirfd, const char *path, int flags, ...) {
    MODE(flags);
    return open_tracked(dirfd, path, flags, mode);
}
int creat(const char *path, mode_t mode) { return open_tracked(AT_FDCWD, path, O_CREAT | O_WRONLY | O_TRUNC, mode); }
int creat64(const char *path, mode_t mode) { return creat(path, mode); }

int close(int fd) {
    REAL(int, close, int);
    if (fd >= 0 && fd < FDS) fds[fd].state = 0;
    return real_close(fd);
}

int renameat2(int olddir, const char *old, int newdir, const char *new, unsigned flags) {
    REAL(int, renameat2, int, const char *, int, const char *, unsigned);
    char from[PATH_MAX], to[PATH_MAX], both[2 * PATH_MAX];
    struct stat st;
    if (!ours_at(olddir, old, from) || !ours_at(newdir, new, to) || lstat(from, &st) != 0)
        return real_renameat2(olddir, old, newdir, new, flags);
    size_t n = strlen(from) + 1;
    memcpy(both, from, n);
    strcpy(both + n, to);
    pthread_mutex_lock(&lock);
    struct record record = {.inode = parent_inode(to), .offset = parent_inode(from), .length = st.st_ino};
    uint64_t seq = to_limbo(RENAME, record, to, both, n + strlen(to));
    int result = real_renameat2(olddir, old, newdir, new, flags);
    int saved = errno;
    if (result < 0) note_simple(CANCEL, 0, seq);
    pthread_mutex_unlock(&lock);
    errno = saved;
    return result;
}
int renameat(int olddir, const char *old, int newdir, const char *new) { return renameat2(olddir, old, newdir, new, 0); }
int rename(const char *old, const char *new) { return renameat2(AT_FDCWD, old, AT_FDCWD, new, 0); }

int unlinkat(int dirfd, const char *path, int flags) {
    REAL(int, unlinkat, int, const char *, int);
    char full[PATH_MAX];
    if (!ours_at(dirfd, path, full)) return real_unlinkat(dirfd, path, flags);
    pthread_mutex_lock(&lock);
    struct record record = {.inode = parent_inode(full)};
    uint64_t seq = (flags & AT_REMOVEDIR) ? note_name(DIR_GONE, full) : to_limbo(NAME_GONE, record, full, full, strlen(full));
    int result = real_unlinkat(dirfd, path, flags);
    int saved = errno;
    if (result < 0) note_simple(CANCEL, 0, seq);
    pthread_mutex_unlock(&lock);
    errno = saved;
    return result;
}
int unlink(const char *path) { return unlinkat(AT_FDCWD, path, 0); }
int rmdir(const char *path) { return unlinkat(AT_FDCWD, path, AT_REMOVEDIR); }

int mkdirat(int dirfd, const char *path, mode_t mode) {
    REAL(int, mkdirat, int, const char *, mode_t);
    char full[PATH_MAX];
    if (!ours_at(dirfd, path, full)) return real_mkdirat(dirfd, path, mode);
    uint64_t seq = note_name(DIR_NEW, full);
    int result = real_mkdirat(dirfd, path, mode);
    int saved = errno;
    if (result < 0) note_simple(CANCEL, 0, seq);
    errno = saved;
    return result;
}
int mkdir(const char *path, mode_t mode) { return mkdirat(AT_FDCWD, path, mode); }

int linkat(int olddir, const char *old, int newdir, const char *new, int flags) {
    REAL(int, linkat, int, const char *, int, const char *, int);
    char full[PATH_MAX];
    if (!ours_at(newdir, new, full)) return real_linkat(olddir, old, newdir, new, flags);
    uint64_t seq = note_name(NAME_NEW, full);
    int result = real_linkat(olddir, old, newdir, new, flags);
    int saved = errno;
    if (result < 0) note_simple(CANCEL, 0, seq);
    errno = saved;
    return result;
}
int link(const char *old, const char *new) { return linkat(AT_FDCWD, old, AT_FDCWD, new, 0); }
