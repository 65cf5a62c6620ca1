import Foundation
import Testing

/// Runs the program as a user would.
final class Program {
  let process = Process()
  private let output = Pipe(), errors = Pipe()

  /// Program and tests lie in the same folder.
  static func path() throws -> URL {
    let folder = URL(fileURLWithPath: ProcessInfo.processInfo.arguments[0]).deletingLastPathComponent()
    let candidates = [folder, Bundle.main.bundleURL, folder.deletingLastPathComponent()].map {
      $0.appendingPathComponent("kirchhoff")
    }
    let found: URL? = candidates.first { FileManager.default.isExecutableFile(atPath: $0.path) }
    return try #require(found)
  }

  /// - Parameter wrapper: a program that starts ours, with its own arguments.
  init(_ arguments: [String], store: String? = nil, wrapper: [String] = [], environment: [String: String] = [:]) throws
  {
    let program = try Program.path()
    process.executableURL = URL(fileURLWithPath: wrapper.first ?? program.path)
    process.arguments = wrapper.dropFirst() + (wrapper.isEmpty ? [] : [program.path]) + arguments
    var all = ProcessInfo.processInfo.environment.merging(environment) { $1 }
    if let store { all["KIRCHHOFF_STORE"] = store }
    process.environment = all
    process.standardOutput = output
    process.standardError = errors
    process.standardInput = FileHandle.nullDevice
    try process.run()
  }

  deinit { if process.isRunning { kill(process.processIdentifier, SIGKILL) } }

  /// The first line of output, as soon as it is there.
  func firstLine() -> String {
    String(decoding: output.fileHandleForReading.availableData, as: UTF8.self).split(separator: "\n").first.map(
      String.init) ?? ""
  }

  /// A program that hangs is killed after ten minutes, so that its test fails and the others go on.
  func wait() -> (status: Int32, output: String, errors: String) {
    let watch = DispatchWorkItem { [process] in kill(process.processIdentifier, SIGKILL) }
    DispatchQueue.global().asyncAfter(deadline: .now() + 600, execute: watch)
    defer { watch.cancel() }
    // Both pipes at once: a full one would stop the program.
    let problems = Pending()
    let thread = Thread { [errors] in problems.set(errors.fileHandleForReading.readDataToEndOfFile()) }
    thread.start()
    let text = output.fileHandleForReading.readDataToEndOfFile()
    process.waitUntilExit()
    return (
      process.terminationStatus, String(decoding: text, as: UTF8.self), String(decoding: problems.get(), as: UTF8.self)
    )
  }

  static func run(
    _ arguments: [String], store: String? = nil, wrapper: [String] = [], environment: [String: String] = [:]
  )
    throws -> (status: Int32, output: String, errors: String)
  {
    try Program(arguments, store: store, wrapper: wrapper, environment: environment).wait()
  }

  private final class Pending: @unchecked Sendable {
    private var data = Data()
    private let done = DispatchSemaphore(value: 0)
    func set(_ value: Data) {
      data = value
      done.signal()
    }
    func get() -> Data {
      done.wait()
      return data
    }
  }
}

/// Where a program of another package lies, if it is installed.
func installed(_ name: String) -> String? {
  let folders =
    (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map(String.init) + ["/usr/sbin"]
  return folders.map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
}

/// The project's own folder.
let project = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent().path

func withFolder(_ body: (String) throws -> Void) throws {
  let folder = FileManager.default.temporaryDirectory.appendingPathComponent("kirchhoff-\(UUID().uuidString)")
  try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(at: folder) }
  try body(folder.path)
}
