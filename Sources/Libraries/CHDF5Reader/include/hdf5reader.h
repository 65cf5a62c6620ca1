#pragma once
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/// What to read of a file.
enum kk_h5_part { kk_h5_names, kk_h5_numbers, kk_h5_lists };

/// How a reader process ends; any other end means that the library crashed on the file.
enum kk_h5_status { kk_h5_done, kk_h5_no_file, kk_h5_no_object, kk_h5_wrong_kind, kk_h5_too_large, kk_h5_damaged };

/// Starts a process that reads one object of an HDF5 file with the HDF5 library and writes what it finds to *output; the
/// library crashes on damaged files, so it must not run in the caller's process. Returns the process, or -1.
///
/// Written are 64-bit words in the machine's order. Numbers: the rank, the extents, then doubles. Lists: their number, then
/// for each its length and its doubles. Names: text, each with a zero byte after it. `limit` bounds memory, in bytes.
pid_t kk_h5_start(const char *path, const char *name, enum kk_h5_part part, uint64_t limit, int *output);

/// Waits for the process: an enum kk_h5_status, or -1 for a crash.
int kk_h5_finish(pid_t process);
