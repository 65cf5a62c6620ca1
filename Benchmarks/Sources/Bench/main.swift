import Foundation

// A worker that does one piece of work again and again: prints `ready`, then for every line `go` runs it once and prints
// what it took. `bench.py` starts it beside a peer's worker and lets the two take turns.

let works = tensorWorks.merging(networkWorks) { $1 }.merging(dynamicsWorks) { $1 }.merging(systemWorks) { $1 }.merging(
  flowWorks
) { $1 }
guard CommandLine.arguments.count == 2, let make = works[CommandLine.arguments[1]] else {
  FileHandle.standardError.write(
    Data("usage: Bench WORK, one of \(works.keys.sorted().joined(separator: ", "))\n".utf8))
  exit(64)
}

func cpuSeconds() -> Double {
  var time = timespec()
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
  return Double(time.tv_sec) + 1e-9 * Double(time.tv_nsec)
}

/// Largest resident memory so far, in MiB.
func peakMemory() -> Double {
  var usage = rusage()
  getrusage(__rusage_who_t(0), &usage)  // of this process
  return Double(usage.ru_maxrss) / 1024
}

let work = try make()
for _ in 0..<work.warmUps { _ = try work.run() }
print("ready")
fflush(nil)
while let line = readLine(), line == "go" {
  let cpu = cpuSeconds()
  let start = DispatchTime.now().uptimeNanoseconds
  let merit = try work.run()
  let wall = Double(DispatchTime.now().uptimeNanoseconds - start) * 1e-9
  print(
    "{\"wall\": \(wall / work.repeats), \"cpu\": \((cpuSeconds() - cpu) / work.repeats), \"merit\": \"\(merit())\", \"rss\": \(peakMemory())}"
  )
  fflush(nil)
}
