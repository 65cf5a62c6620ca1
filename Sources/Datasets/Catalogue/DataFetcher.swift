import Foundation

#if canImport(FoundationNetworking)
  import FoundationNetworking
#endif

/// Fetches files of data sets: with progress, continuing what was begun, checked before they get their name.
public struct DataFetcher: Sendable {
  /// Told the bytes that are there and, where the server says, those there will be.
  public var progress: @Sendable (_ file: String, _ bytes: Int, _ total: Int?) -> Void

  public init(progress: @escaping @Sendable (_ file: String, _ bytes: Int, _ total: Int?) -> Void = { _, _, _ in }) {
    self.progress = progress
  }

  /// Fetches what is missing of a data set into a folder of data sets.
  ///
  /// - Returns: names of the files that were fetched.
  /// - Throws: `CatalogueError`.
  public func fetch(_ entry: DataCatalogue.Entry, into folder: String) throws -> [String] {
    guard case .missing(let missing) = DataCatalogue.presence(of: entry, in: folder) else { return [] }
    let wanted = entry.files.filter { missing.contains($0.path) }
    let byHand = wanted.filter { $0.address == nil }.map(\.path)
    guard byHand.isEmpty else {
      throw CatalogueError.byHand(
        name: entry.name, files: byHand, source: entry.source, folder: "\(folder)/\(entry.name)")
    }
    for file in wanted { try fetch(file, to: "\(folder)/\(entry.name)/\(file.path)") }
    return wanted.map(\.path)
  }

  /// Fetches one file. What came of an earlier attempt is continued.
  package func fetch(_ file: DataCatalogue.File, to path: String) throws {
    guard let text = file.address, let address = URL(string: text) else { return }
    let part = path + ".part"
    do {
      try FileManager.default.createDirectory(
        at: URL(fileURLWithPath: path).deletingLastPathComponent(), withIntermediateDirectories: true)
      if !FileManager.default.fileExists(atPath: part) { try Data().write(to: URL(fileURLWithPath: part)) }
    } catch {
      throw CatalogueError.cannotWrite(path: path, problem: "\(error.localizedDescription)")
    }
    guard let handle = FileHandle(forWritingAtPath: part), let begun = try? handle.seekToEnd() else {
      throw CatalogueError.cannotWrite(path: part, problem: "it cannot be opened")
    }
    var request = URLRequest(url: address, timeoutInterval: 60)
    if begun > 0 { request.setValue("bytes=\(begun)-", forHTTPHeaderField: "Range") }
    let receiver = Receiver(handle, begun: Int(begun)) { [progress] in progress(file.path, $0, $1) }
    let session = URLSession(configuration: .ephemeral, delegate: receiver, delegateQueue: nil)
    session.dataTask(with: request).resume()
    session.finishTasksAndInvalidate()
    let problem = receiver.wait()
    try? handle.close()
    if case .cannotWrite(let text)? = problem { throw CatalogueError.cannotWrite(path: part, problem: text) }
    if case .failed(let text)? = problem {
      throw CatalogueError.unreachable(address: address.absoluteString, problem: text, file: path)
    }
    if let expected = file.sha256 {
      // The name says whether it is packed, so the check needs a name like the final one.
      let staged = path.hasSuffix(".gz") ? part + ".gz" : part
      if staged != part {
        try? FileManager.default.removeItem(atPath: staged)
        try FileManager.default.moveItem(atPath: part, toPath: staged)
      }
      let found = (try? DataCatalogue.contents(staged)) ?? "none, as it cannot be unpacked"
      guard found == expected else {
        try? FileManager.default.removeItem(atPath: staged)
        throw CatalogueError.damaged(path: path, found: found, expected: expected)
      }
      try FileManager.default.moveItem(atPath: staged, toPath: path)
    } else {
      try FileManager.default.moveItem(atPath: part, toPath: path)
    }
  }
}

private enum FetchProblem: Sendable {
  case failed(String)
  case cannotWrite(String)
}

/// Writes what arrives. Its methods are called one after the other by the session's own queue.
private final class Receiver: NSObject, URLSessionDataDelegate, @unchecked Sendable {
  private let handle: FileHandle
  private var bytes: Int
  private var total: Int?
  private var problem: FetchProblem?
  private let done = DispatchSemaphore(value: 0)
  private let progress: @Sendable (Int, Int?) -> Void

  init(_ handle: FileHandle, begun: Int, progress: @escaping @Sendable (Int, Int?) -> Void) {
    self.handle = handle
    bytes = begun
    self.progress = progress
  }

  /// Waits for the end.
  func wait() -> FetchProblem? {
    done.wait()
    return problem
  }

  func urlSession(
    _ session: URLSession, dataTask: URLSessionDataTask, didReceive response: URLResponse,
    completionHandler: @escaping (URLSession.ResponseDisposition) -> Void
  ) {
    let length = response.expectedContentLength > 0 ? Int(response.expectedContentLength) : nil
    switch (response as? HTTPURLResponse)?.statusCode ?? 200 {
    case 206: total = length.map { $0 + bytes }
    case 200..<300:
      // The server starts from the beginning.
      try? handle.truncate(atOffset: 0)
      bytes = 0
      total = length
    case 416:
      // Nothing is left to send: it had come completely, or it is another file now, which the checksum tells.
      break
    case let code:
      problem = .failed("the server answers \(code)")
      return completionHandler(.cancel)
    }
    completionHandler(.allow)
  }

  func urlSession(_ session: URLSession, dataTask: URLSessionDataTask, didReceive data: Data) {
    if (dataTask.response as? HTTPURLResponse)?.statusCode == 416 { return }
    do {
      try handle.write(contentsOf: data)
      bytes += data.count
      progress(bytes, total)
    } catch {
      problem = .cannotWrite(error.localizedDescription)
      dataTask.cancel()
    }
  }

  func urlSession(_ session: URLSession, task: URLSessionTask, didCompleteWithError error: (any Error)?) {
    if problem == nil, let error { problem = .failed(error.localizedDescription) }
    if problem == nil, let total, bytes < total { problem = .failed("only \(bytes) of \(total) bytes came") }
    done.signal()
  }
}
