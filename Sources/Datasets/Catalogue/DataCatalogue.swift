import Foundation

/// The data sets that systems read: where they come from, how large they are, under what terms, and whether they are here.
public enum DataCatalogue {
  /// One data set.
  public struct Entry: Sendable, Equatable {
    /// Name of its folder.
    public var name: String
    public var title: String
    /// The page of its makers.
    public var source: String
    public var licence: String
    /// Files to have. Empty where only a copy with another layout is known.
    public var files: [File]
    /// Files of another layout that serves as well, such as a sample or a rewritten copy.
    public var copy: [File]
    /// What one should know before using it.
    public var note: String

    /// Bytes of the files, where all are known.
    public var bytes: Int? {
      let sizes = files.map(\.bytes)
      return sizes.contains(nil) || files.isEmpty ? nil : sizes.reduce(0) { $0 + ($1 ?? 0) }
    }
  }

  /// One file of a data set.
  public struct File: Sendable, Equatable {
    /// Name inside the data set's folder.
    public var path: String
    /// Where it can be fetched without asking anyone; nothing where that has to be done by hand.
    public var address: String?
    public var bytes: Int?
    /// SHA-256 of the contents, after gzip is undone; nothing where no copy could be checked.
    public var sha256: String?

    package init(_ path: String, _ address: String? = nil, bytes: Int? = nil, sha256: String? = nil) {
      self.path = path
      self.address = address
      self.bytes = bytes
      self.sha256 = sha256
    }
  }

  /// What is there of a data set.
  public enum Presence: Sendable, Equatable {
    case complete
    /// Only the other layout.
    case copy
    /// Files that are missing.
    case missing([String])
  }

  /// The entry of a name.
  ///
  /// - Throws: `CatalogueError.unknown`.
  public static func entry(_ name: String) throws(CatalogueError) -> Entry {
    guard let entry = entries.first(where: { $0.name == name }) else {
      throw .unknown(name: name, known: entries.map(\.name))
    }
    return entry
  }

  /// What a folder of data sets holds of one.
  public static func presence(of entry: Entry, in folder: String) -> Presence {
    func missing(_ files: [File]) -> [String] {
      files.map(\.path).filter { !FileManager.default.fileExists(atPath: "\(folder)/\(entry.name)/\($0)") }
    }
    let lacking = missing(entry.files)
    if !entry.files.isEmpty, lacking.isEmpty { return .complete }
    if !entry.copy.isEmpty, missing(entry.copy).isEmpty { return .copy }
    return .missing(lacking.isEmpty ? missing(entry.copy) : lacking)
  }

  /// The folder of a data set inside a folder of data sets.
  ///
  /// - Throws: `CatalogueError.missing`, which says what to get from where and where to put it.
  public static func locate(_ name: String, in folder: String) throws(CatalogueError) -> String {
    let entry = try entry(name)
    if case .missing(let files) = presence(of: entry, in: folder) {
      throw .missing(
        name: name, files: files, source: entry.source, folder: "\(folder)/\(name)",
        canFetch: !entry.files.isEmpty && entry.files.allSatisfy { $0.address != nil })
    }
    return "\(folder)/\(name)"
  }

  /// What a check of one file found.
  public struct Check: Sendable, Equatable {
    public var path: String
    public var outcome: Outcome
    public enum Outcome: Sendable, Equatable {
      case right
      /// Nothing to compare with; this is its checksum.
      case unknown(sha256: String)
      case wrong(found: String, expected: String)
      case missing
    }
  }

  /// Compares every file with its checksum.
  public static func check(_ entry: Entry, in folder: String) -> [Check] {
    let files = presence(of: entry, in: folder) == .copy ? entry.copy : entry.files.isEmpty ? entry.copy : entry.files
    return files.map { file in
      let path = "\(folder)/\(entry.name)/\(file.path)"
      guard let found = try? contents(path) else { return Check(path: file.path, outcome: .missing) }
      guard let expected = file.sha256 else { return Check(path: file.path, outcome: .unknown(sha256: found)) }
      return Check(path: file.path, outcome: found == expected ? .right : .wrong(found: found, expected: expected))
    }
  }

  /// SHA-256 of what a file holds, after gzip is undone: the same for every way of packing. For a folder that of the list
  /// of its files with their checksums.
  static func contents(_ path: String) throws -> String {
    var isFolder: ObjCBool = false
    if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
      let names = try FileManager.default.contentsOfDirectory(atPath: path).sorted()
      return Checksum.sha256(Data(try names.map { "\($0) \(try contents("\(path)/\($0)"))\n" }.joined().utf8))
    }
    if path.hasSuffix(".gz"), !path.hasSuffix(".tar.gz") {
      return Checksum.sha256(Data(try DataFile(path, format: "gzip").bytes))
    }
    return try Checksum.sha256(file: path)
  }
}

/// What can go wrong with data sets. Every message says what to do.
public enum CatalogueError: Error, Equatable, CustomStringConvertible {
  case unknown(name: String, known: [String])
  case missing(name: String, files: [String], source: String, folder: String, canFetch: Bool)
  case byHand(name: String, files: [String], source: String, folder: String)
  case unreachable(address: String, problem: String, file: String)
  case damaged(path: String, found: String, expected: String)
  case cannotWrite(path: String, problem: String)

  public var description: String {
    switch self {
    case .unknown(let name, let known): "there is no data set `\(name)`: known are \(known.joined(separator: ", "))"
    case .missing(let name, let files, let source, let folder, let canFetch):
      "the data set \(name) is not there: "
        + (canFetch ? "fetch it with `kirchhoff data fetch \(name)`, or " : "")
        + "put \(files.joined(separator: ", ")) from \(source) into \(folder), or name a folder that holds \(name)/ in the variable KIRCHHOFF_DATA"
    case .byHand(let name, let files, let source, let folder):
      "\(name) has to be fetched by hand, its makers ask for it: get \(files.joined(separator: ", ")) from \(source) and put it into \(folder)"
    case .unreachable(let address, let problem, let file):
      "\(address) cannot be fetched: \(problem): try again, what has come so far is kept; or get the file elsewhere and put it at \(file)"
    case .damaged(let path, let found, let expected):
      "\(path) has the SHA-256 \(found) instead of \(expected): it was removed, fetch it again"
    case .cannotWrite(let path, let problem):
      "\(path) cannot be written: \(problem): make room, or choose another folder"
    }
  }
}
