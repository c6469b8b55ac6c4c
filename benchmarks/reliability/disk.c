/* Loaded before a program with LD_PRELOAD: a disk below one folder that can forget and fail.

   DISK_FOLDER   the folder, absolute and without links
   DISK_JOURNAL  every change below it is noted here, in order, with its bytes; and every sync. What
                 a power loss would have left can be made from that (see disk.py).
   DISK_CONTROL  a file of `struct control`, shared with who tests: the calls are counted in it, and
                 those numbered first to last fail.

   A change is noted before it is made and the end of a sync after it, so the journal never calls
   durable what is not. Memory maps are not seen: SQLite has only its -shm there, which it makes anew
   after a power loss. */

#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { CREATE = 1, WRITE, TRUNCATE, SYNC_BEGINS, SYNC_ENDS, SYNC_FAILED, UNLINK, RENAME };
enum { SHORT = -1 }; /* as an error: a write stores half of its bytes; other calls work */

struct control {
    uint64_t calls, first, last;
    int64_t error;
};
struct record {
    uint32_t kind, length;
    uint64_t inode, offset;
};

#define FILES 65536
#define REAL(type, name, ...) ((type(*)(__VA_ARGS__))real(#name))

static char folder[4096];
static size_t folder_length;
static int journal = -1;
static struct control *control;
static uint64_t inodes[FILES]; /* of open files below the folder; 0 for any other */
static uint64_t syncs;

static void *real(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) abort();
    return found;
}

/* Return the path relative to the folder ("" for itself), or NULL when it lies elsewhere. */
static const char *below(const char *path, char *buffer, size_t size) {
    if (!folder_length || !path) return NULL;
    if (path[0] != '/') {
        if (!getcwd(buffer, size) || strlen(buffer) + strlen(path) + 2 > size) return NULL;
        strcat(strcat(buffer, "/"), path);
        path = buffer;
    }
    if (strncmp(path, folder, folder_length)) return NULL;
    if (!path[folder_length]) return path + folder_length;
    return path[folder_length] == '/' ? path + folder_length + 1 : NULL;
}

static void note(uint32_t kind, uint64_t inode, uint64_t offset, const void *data, size_t length) {
    struct record head = {kind, length, inode, offset};
    struct iovec parts[2] = {{&head, sizeof head}, {(void *)data, length}};
    if (journal >= 0 && writev(journal, parts, 2) != (ssize_t)(sizeof head + length)) abort();
}

/* Count a call; return 0 when it is to work, else what is wrong with it. */
static int64_t trouble(void) {
    if (!control) return 0;
    uint64_t number = __atomic_add_fetch(&control->calls, 1, __ATOMIC_SEQ_CST);
    if (number < control->first || number > control->last) return 0;
    if (control->error > 0) errno = control->error;
    return control->error;
}

static uint64_t inode_of(int fd) { return fd >= 0 && fd < FILES ? inodes[fd] : 0; }

static void remember(int fd, const char *name, int made) {
    struct stat about;
    if (fd < 0 || fd >= FILES || fstat(fd, &about)) return;
    inodes[fd] = about.st_ino;
    if (made) note(CREATE, about.st_ino, 0, name, strlen(name));
}

static int open_below(const char *path, int flags, mode_t mode) {
    int (*real_open)(const char *, int, ...) = REAL(int, open64, const char *, int, ...);
    char buffer[8192];
    const char *name = below(path, buffer, sizeof buffer);
    if (!name) return real_open(path, flags, mode);
    if (trouble() > 0) return -1;
    int fd, made = 0;
    do {
        /* Made by us, or there before? Only O_EXCL tells for sure. */
        fd = flags & O_CREAT ? real_open(path, flags | O_EXCL, mode) : real_open(path, flags);
        made = fd >= 0 && (flags & O_CREAT);
        if (fd < 0 && errno == EEXIST && !(flags & O_EXCL)) fd = real_open(path, flags & ~O_CREAT);
    } while (fd < 0 && errno == ENOENT && (flags & O_CREAT) && !access(path, F_OK));
    remember(fd, name, made);
    if (fd >= 0 && !made && (flags & O_TRUNC)) note(TRUNCATE, inode_of(fd), 0, NULL, 0);
    return fd;
}

#define OPEN(name)                                \
    int name(const char *path, int flags, ...) {  \
        va_list more;                             \
        va_start(more, flags);                    \
        mode_t mode = va_arg(more, mode_t);       \
        va_end(more);                             \
        return open_below(path, flags, mode);     \
    }
OPEN(open)
OPEN(open64)

int close(int fd) {
    if (fd >= 0 && fd < FILES) inodes[fd] = 0;
    return REAL(int, close, int)(fd);
}

static ssize_t put(int fd, const void *data, size_t size, off64_t at) {
    ssize_t (*real_pwrite)(int, const void *, size_t, off64_t) =
        REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t);
    int64_t wrong = trouble();
    if (wrong > 0) return -1;
    if (wrong == SHORT) size /= 2;
    note(WRITE, inode_of(fd), at, data, size);
    return real_pwrite(fd, data, size, at);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t at) {
    if (inode_of(fd)) return put(fd, data, size, at);
    return REAL(ssize_t, pwrite64, int, const void *, size_t, off64_t)(fd, data, size, at);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t at) { return pwrite64(fd, data, size, at); }

ssize_t write(int fd, const void *data, size_t size) {
    if (!inode_of(fd)) return REAL(ssize_t, write, int, const void *, size_t)(fd, data, size);
    int appends = fcntl(fd, F_GETFL) & O_APPEND;
    ssize_t written = put(fd, data, size, lseek64(fd, 0, appends ? SEEK_END : SEEK_CUR));
    if (written > 0 && !appends) lseek64(fd, written, SEEK_CUR);
    return written;
}

int ftruncate64(int fd, off64_t size) {
    if (inode_of(fd)) {
        if (trouble() > 0) return -1;
        note(TRUNCATE, inode_of(fd), size, NULL, 0);
    }
    return REAL(int, ftruncate64, int, off64_t)(fd, size);
}

int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

static int sync_file(int fd, const char *name) {
    int (*real_sync)(int) = real(name);
    if (!inode_of(fd)) return real_sync(fd);
    uint64_t ticket = (uint64_t)getpid() << 32 | __atomic_add_fetch(&syncs, 1, __ATOMIC_SEQ_CST);
    note(SYNC_BEGINS, inode_of(fd), ticket, NULL, 0);
    int done = trouble() > 0 ? -1 : real_sync(fd);
    int error = errno;
    note(done ? SYNC_FAILED : SYNC_ENDS, inode_of(fd), ticket, NULL, 0);
    errno = error;
    return done;
}

int fsync(int fd) { return sync_file(fd, "fsync"); }
int fdatasync(int fd) { return sync_file(fd, "fdatasync"); }

int unlink(const char *path) {
    char buffer[8192];
    const char *name = below(path, buffer, sizeof buffer);
    if (name) {
        if (trouble() > 0) return -1;
        note(UNLINK, 0, 0, name, strlen(name));
    }
    return REAL(int, unlink, const char *)(path);
}

int rename(const char *from, const char *to) {
    char first[8192], second[8192], both[8192];
    const char *old = below(from, first, sizeof first), *new = below(to, second, sizeof second);
    if (old && new) {
        if (trouble() > 0) return -1;
        size_t length = strlen(old) + 1;
        memcpy(both, old, length);
        memcpy(both + length, new, strlen(new));
        note(RENAME, 0, 0, both, length + strlen(new));
    }
    return REAL(int, rename, const char *, const char *)(from, to);
}

__attribute__((constructor)) static void begin(void) {
    const char *where = getenv("DISK_FOLDER"), *journal_at = getenv("DISK_JOURNAL"), *control_at = getenv("DISK_CONTROL");
    if (!where) return;
    int (*real_open)(const char *, int, ...) = REAL(int, open64, const char *, int, ...);
    if (journal_at) {
        int fd = real_open(journal_at, O_WRONLY | O_APPEND | O_CLOEXEC);
        journal = fcntl(fd, F_DUPFD_CLOEXEC, 900); /* out of the way */
        if (journal < 0) abort();
    }
    if (control_at) {
        int fd = real_open(control_at, O_RDWR | O_CLOEXEC);
        control = mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
        if (control == MAP_FAILED) abort();
    }
    strncpy(folder, where, sizeof folder - 1);
    folder_length = strlen(folder);
}
