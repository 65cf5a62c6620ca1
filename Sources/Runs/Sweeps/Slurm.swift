import Foundation

/// A sweep as a job array of the workload manager Slurm.
public struct Slurm: Sendable {
  private let folder: SweepFolder
  private let settings: SlurmSettings

  public init(_ folder: SweepFolder, _ settings: SlurmSettings) {
    self.folder = folder
    self.settings = settings
  }

  /// The script that runs one element of the array.
  ///
  /// - Parameters:
  ///   - program: path of this program on the nodes.
  ///   - environment: variables that the program needs there.
  public func script(points: [Int], program: String, threads: Int, arguments: [String], environment: [String: String])
    -> String
  {
    func quoted(_ text: String) -> String { "'" + text.replacing("'", with: "'\\''") + "'" }
    var lines = [
      "#!/bin/sh", "#SBATCH --job-name=kirchhoff-\(folder.name)",
      "#SBATCH --array=\(Slurm.ranges(points))%\(settings.atOnce)", "#SBATCH --time=\(settings.time)",
      "#SBATCH --mem=\(settings.memory)", "#SBATCH --cpus-per-task=\(threads)",
      "#SBATCH --output=\(folder.path)/slurm-%A_%a.log",
    ]
    if !settings.partition.isEmpty { lines.append("#SBATCH --partition=\(settings.partition)") }
    if !settings.account.isEmpty { lines.append("#SBATCH --account=\(settings.account)") }
    for (name, value) in environment.sorted(by: { $0.key < $1.key }) { lines.append("export \(name)=\(quoted(value))") }
    lines.append("export OMP_NUM_THREADS=\(threads)")
    lines.append(([program] + arguments).map(quoted).joined(separator: " ") + " --point \"$SLURM_ARRAY_TASK_ID\"")
    return lines.joined(separator: "\n") + "\n"
  }

  /// 0-3,7 for 0, 1, 2, 3, 7.
  static func ranges(_ points: [Int]) -> String {
    var parts: [ClosedRange<Int>] = []
    for point in points.sorted() {
      if let last = parts.last, last.upperBound + 1 == point {
        parts[parts.count - 1] = last.lowerBound...point
      } else {
        parts.append(point...point)
      }
    }
    return parts.map { $0.count == 1 ? "\($0.lowerBound)" : "\($0.lowerBound)-\($0.upperBound)" }.joined(separator: ",")
  }

  private var jobFile: String { "\(folder.path)/slurm-job" }

  /// The job that was submitted last and is not over, if there is one.
  public func currentJob() throws -> String? {
    guard let text = try? String(contentsOfFile: jobFile, encoding: .utf8) else { return nil }
    let job = text.trimmingCharacters(in: .whitespacesAndNewlines)
    return try isQueued(job) ? job : nil
  }

  /// Hands a script to Slurm.
  ///
  /// - Returns: the job's number.
  /// - Throws: `SlurmError`.
  public func submit(_ script: String) throws -> String {
    let path = "\(folder.path)/slurm-job.sh"
    try Data(script.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
    let answer = try Slurm.call("sbatch", ["--parsable", path])
    guard answer.status == 0 else { throw SlurmError.refused(problem: answer.errors) }
    let job = String(answer.output.split(separator: ";").first ?? "").trimmingCharacters(in: .whitespacesAndNewlines)
    guard !job.isEmpty else { throw SlurmError.refused(problem: "sbatch printed no job number") }
    try Data(job.utf8).write(to: URL(fileURLWithPath: jobFile), options: .atomic)
    return job
  }

  /// Whether any element of a job still waits or runs.
  public func isQueued(_ job: String) throws -> Bool {
    let answer = try Slurm.call("squeue", ["--noheader", "--jobs", job, "--format", "%i"])
    // Slurm forgets jobs some minutes after their end, and then calls the number invalid.
    if answer.status != 0 {
      if answer.errors.contains("Invalid job id") { return false }
      throw SlurmError.refused(problem: answer.errors)
    }
    return !answer.output.trimmingCharacters(in: .whitespacesAndNewlines).isEmpty
  }

  /// The last lines that an element of a job printed: why it left no record.
  public func log(of point: Int, job: String) -> String {
    let text = (try? String(contentsOfFile: "\(folder.path)/slurm-\(job)_\(point).log", encoding: .utf8)) ?? ""
    return text.split(separator: "\n").suffix(3).joined(separator: " ")
  }

  private static func call(_ name: String, _ arguments: [String]) throws -> (
    status: Int32, output: String, errors: String
  ) {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    guard let folder = folders.first(where: { FileManager.default.isExecutableFile(atPath: "\($0)/\(name)") }) else {
      throw SlurmError.missing(program: name)
    }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "\(folder)/\(name)")
    process.arguments = arguments
    let (output, errors) = (Pipe(), Pipe())
    (process.standardOutput, process.standardError) = (output, errors)
    process.standardInput = FileHandle.nullDevice
    try process.run()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    let problem = errors.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (
      process.terminationStatus, String(decoding: text, as: UTF8.self),
      String(decoding: problem, as: UTF8.self).trimmingCharacters(in: .whitespacesAndNewlines)
    )
  }
}

/// What can go wrong with Slurm. Every message says what to do.
public enum SlurmError: Error, Equatable, CustomStringConvertible {
  case missing(program: String)
  case refused(problem: String)

  public var description: String {
    switch self {
    case .missing(let program):
      "there is no program `\(program)`: run this on a machine of the cluster, or leave out --slurm"
    case .refused(let problem): "Slurm refused: \(problem): check the `slurm` section of the sweep"
    }
  }
}
