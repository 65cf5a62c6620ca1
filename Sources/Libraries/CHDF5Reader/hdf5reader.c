#include "hdf5reader.h"

#include <errno.h>
#include <hdf5.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

static void put(int output, const void *bytes, size_t count) {
  const char *next = bytes;
  while (count > 0) {
    ssize_t written = write(output, next, count);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) _exit(kk_h5_damaged);
    next += written;
    count -= (size_t)written;
  }
}

static void put_word(int output, uint64_t word) { put(output, &word, sizeof word); }

static int is_number(hid_t type) {
  H5T_class_t class = H5Tget_class(type);
  return class == H5T_INTEGER || class == H5T_FLOAT;
}

static int read_names(hid_t file, const char *name, int output) {
  hid_t group = H5Gopen2(file, name, H5P_DEFAULT);
  if (group < 0) return kk_h5_no_object;
  H5G_info_t info;
  if (H5Gget_info(group, &info) < 0) return kk_h5_damaged;
  for (hsize_t i = 0; i < info.nlinks; i++) {
    char link[1024];
    if (H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, link, sizeof link, H5P_DEFAULT) < 0)
      return kk_h5_damaged;
    size_t length = 0;
    while (length < sizeof link - 1 && link[length]) length++;
    link[length] = 0;
    put(output, link, length + 1);
  }
  return kk_h5_done;
}

static int read_dataset(hid_t file, const char *name, enum kk_h5_part part, uint64_t limit, int output) {
  hid_t dataset = H5Dopen2(file, name, H5P_DEFAULT);
  if (dataset < 0) return kk_h5_no_object;
  hid_t space = H5Dget_space(dataset), type = H5Dget_type(dataset);
  hsize_t extents[H5S_MAX_RANK];
  int rank = H5Sget_simple_extent_ndims(space);
  if (rank < 0 || H5Sget_simple_extent_dims(space, extents, NULL) < 0) return kk_h5_damaged;
  uint64_t count = 1;
  for (int i = 0; i < rank; i++) {
    if (extents[i] != 0 && count > limit / 8 / extents[i]) return kk_h5_too_large;
    count *= extents[i];
  }
  if (part == kk_h5_numbers) {
    if (!is_number(type)) return kk_h5_wrong_kind;
    double *values = malloc(count * sizeof *values + 1);
    if (!values) return kk_h5_too_large;
    if (count > 0 && H5Dread(dataset, H5T_NATIVE_DOUBLE, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) < 0) return kk_h5_damaged;
    put_word(output, (uint64_t)rank);
    for (int i = 0; i < rank; i++) put_word(output, extents[i]);
    put(output, values, count * sizeof *values);
    return kk_h5_done;
  }
  if (H5Tget_class(type) != H5T_VLEN || !is_number(H5Tget_super(type))) return kk_h5_wrong_kind;
  hid_t memory = H5Tvlen_create(H5T_NATIVE_DOUBLE);
  hvl_t *lists = calloc(count + 1, sizeof *lists);
  if (!lists) return kk_h5_too_large;
  if (count > 0 && H5Dread(dataset, memory, H5S_ALL, H5S_ALL, H5P_DEFAULT, lists) < 0) return kk_h5_damaged;
  put_word(output, count);
  for (uint64_t i = 0; i < count; i++) {
    put_word(output, lists[i].len);
    put(output, lists[i].p, lists[i].len * sizeof(double));
  }
  return kk_h5_done;
}

pid_t kk_h5_start(const char *path, const char *name, enum kk_h5_part part, uint64_t limit, int *output) {
  int ends[2];
  if (pipe(ends) != 0) return -1;
  pid_t process = fork();
  if (process != 0) {
    close(ends[1]);
    *output = ends[0];
    if (process < 0) close(ends[0]);
    return process;
  }
  // A damaged file may also make the library loop or ask for all memory.
  for (int number = 1; number < 32; number++) signal(number, SIG_DFL);
  // Small files take milliseconds, large ones are unpacked at some hundred megabytes a second.
  struct stat about;
  uint64_t bytes = stat(path, &about) == 0 ? (uint64_t)about.st_size : 0;
  uint64_t patience = 200000 + bytes / 10;
  struct itimerval timer = {{0, 0}, {(time_t)(patience / 1000000), (suseconds_t)(patience % 1000000)}};
  setitimer(ITIMER_PROF, &timer, NULL);
  struct rlimit core = {0, 0};
  setrlimit(RLIMIT_CORE, &core);
  // Address space beyond what the parent has mapped already: values, and their copies inside the library.
  long pages = 0;
  struct rlimit space;
  char line[64] = {0};
  FILE *statm = fopen("/proc/self/statm", "r");
  if (statm) {
    if (fgets(line, sizeof line, statm)) pages = atol(line);
    fclose(statm);
  }
  uint64_t room = (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE) + 4 * limit + (256u << 20);
  space.rlim_cur = space.rlim_max = room;
  if (pages > 0) setrlimit(RLIMIT_AS, &space);
  H5open();
  H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
  hid_t file = H5Fopen(path, H5F_ACC_RDONLY, H5P_DEFAULT);
  if (file < 0) _exit(kk_h5_no_file);
  _exit(part == kk_h5_names ? read_names(file, name, ends[1]) : read_dataset(file, name, part, limit, ends[1]));
}

int kk_h5_finish(pid_t process) {
  int status = 0;
  while (waitpid(process, &status, 0) < 0)
    if (errno != EINTR) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}
