import Foundation

/// The head of a request. Bodies are never read.
struct PageRequest: Sendable {
  let method: String
  /// The path with its escapes resolved, without the query.
  let path: String
  private let fields: [String: String]
  private let queries: [String: String]

  /// - Parameters:
  ///   - fields: header fields; of one that comes twice the values are joined, so that no check sees only the first.
  ///   - queries: items of the query, unescaped; the first of a name counts.
  init(method: String, path: String, fields: [(String, String)], queries: [(String, String)]) {
    self.method = method
    self.path = path
    self.fields = Dictionary(fields.map { ($0.0.lowercased(), $0.1) }) { "\($0), \($1)" }
    self.queries = Dictionary(queries) { first, _ in first }
  }

  /// The value of a header field, whatever the case of its name.
  func field(_ name: String) -> String? { fields[name.lowercased()] }
  func query(_ name: String) -> String? { queries[name] }
  /// Whether nothing is to be changed.
  var onlyReads: Bool { ["GET", "HEAD"].contains(method) }
}

struct PageResponse: Sendable {
  enum Status: UInt32 {
    case ok = 200
    case seeOther = 303
    case badRequest = 400
    case unauthorized = 401
    case forbidden = 403
    case notFound = 404
    case methodNotAllowed = 405
    case contentTooLarge = 413
    case misdirected = 421
    case failed = 500
  }

  var status = Status.ok
  var fields: [String: String] = [:]
  var body = Data()

  /// A line of text, such as why a request is refused.
  static func text(_ status: Status, _ line: String) -> PageResponse {
    PageResponse(status: status, fields: ["Content-Type": "text/plain; charset=utf-8"], body: Data("\(line)\n".utf8))
  }
}
