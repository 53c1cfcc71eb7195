/* Fails the disk under a process on purpose: loaded by LD_PRELOAD, it counts what is done to the ledger's files and lets
 * calls fail from the n-th on, or the n-th alone. FAULT=<kind>:<n>:<once|always>; kinds: enospc, eio and short for writes,
 * fsync for syncs. FAULT_COUNT names a file for how many writes and syncs there were. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <unistd.h>

/* The log is put on the disk by a thread of its own. */
static pthread_mutex_t counting = PTHREAD_MUTEX_INITIALIZER;
static long writes, syncs;

static int watched(int fd) {
  char link[64], path[4096];
  snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
  ssize_t length = readlink(link, path, sizeof path - 1);
  if (length <= 0) return 0;
  path[length] = 0;
  return strstr(path, "purser.db") != NULL;
}

static void count(void) {
  const char *path = getenv("FAULT_COUNT");
  if (!path) return;
  char text[64];
  int length = snprintf(text, sizeof text, "%ld %ld\n", writes, syncs);
  int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC, 0600);
  ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
  if (fd >= 0 && real(fd, text, length) == length) close(fd);
}

static long next(int sync) {
  pthread_mutex_lock(&counting);
  long now = sync ? ++syncs : ++writes;
  count();
  pthread_mutex_unlock(&counting);
  return now;
}

/* The kind that is due for this call, or NULL. */
static const char *due(int sync) {
  static _Thread_local char kind[16], how[16];
  long at = 0, now = next(sync);
  const char *fault = getenv("FAULT");
  if (!fault || sscanf(fault, "%15[a-z]:%ld:%15s", kind, &at, how) != 3) return NULL;
  if (sync != (strcmp(kind, "fsync") == 0)) return NULL;
  return now == at || (now > at && strcmp(how, "always") == 0) ? kind : NULL;
}

/* Whether the call fails; `size` is shortened where only a part may be written. */
static int fails(int fd, size_t *size) {
  if (!watched(fd)) return 0;
  const char *kind = due(0);
  if (!kind) return 0;
  if (strcmp(kind, "short") == 0) {
    if (*size > 1) *size /= 2;
    return 0;
  }
  errno = strcmp(kind, "eio") == 0 ? EIO : ENOSPC;
  return 1;
}

ssize_t write(int fd, const void *bytes, size_t size) {
  ssize_t (*real)(int, const void *, size_t) = dlsym(RTLD_NEXT, "write");
  return fails(fd, &size) ? -1 : real(fd, bytes, size);
}

ssize_t pwrite(int fd, const void *bytes, size_t size, off_t at) {
  ssize_t (*real)(int, const void *, size_t, off_t) = dlsym(RTLD_NEXT, "pwrite");
  return fails(fd, &size) ? -1 : real(fd, bytes, size, at);
}

ssize_t pwrite64(int fd, const void *bytes, size_t size, off64_t at) {
  ssize_t (*real)(int, const void *, size_t, off64_t) = dlsym(RTLD_NEXT, "pwrite64");
  return fails(fd, &size) ? -1 : real(fd, bytes, size, at);
}

static int sync_fails(int fd) {
  if (!watched(fd) || !due(1)) return 0;
  errno = EIO;
  return 1;
}

int fsync(int fd) {
  int (*real)(int) = dlsym(RTLD_NEXT, "fsync");
  return sync_fails(fd) ? -1 : real(fd);
}

int fdatasync(int fd) {
  int (*real)(int) = dlsym(RTLD_NEXT, "fdatasync");
  return sync_fails(fd) ? -1 : real(fd);
}
