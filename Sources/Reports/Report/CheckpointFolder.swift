import Foundation
import Runs
import Settings

/// Checkpoints of a run that was stopped, and the specification that they belong to.
struct CheckpointFolder {
  private let folder: String
  private var mark: String { "\(folder)/checkpoint-of.json" }

  init(_ folder: String) { self.folder = folder }

  /// Of a run that was killed too: files that it was writing have names that begin with those of the checkpoints.
  private var files: [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { $0.hasPrefix("checkpoint-") }.map { "\(folder)/\($0)" }
  }

  /// Makes the folder one of a specification.
  ///
  /// - Throws: `ConfigurationError` where it holds checkpoints of another one, which would go on with wrong numbers.
  func claim(_ specification: RunSpecification) throws {
    let own = try RunRecord.encoder.encode(specification)
    if files.contains(where: { $0.hasSuffix(".safetensors") }), let other = FileManager.default.contents(atPath: mark),
      other != own
    {
      throw ConfigurationError.invalidValue(
        key: "--output", found: folder,
        expected: "a folder without checkpoints of other settings; choose another one, or remove its checkpoint-* files"
      )
    }
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try own.write(to: URL(fileURLWithPath: mark), options: .atomic)
  }

  /// A run that is done has no use for them.
  func remove() { for file in files { try? FileManager.default.removeItem(atPath: file) } }
}
