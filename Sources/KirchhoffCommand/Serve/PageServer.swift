import CMicroHTTPD
import Foundation

enum PageServerError: Error, Equatable, CustomStringConvertible {
  case unknownHost(String, reason: String)
  case cannotListen(host: String, port: Int, reason: String)

  var description: String {
    switch self {
    case .unknownHost(let host, let reason):
      "--host \(host) is not known (\(reason)): give 127.0.0.1, or an address of this machine"
    case .cannotListen(let host, let port, let reason):
      "--host \(host) --port \(port) cannot be used: \(reason): choose another port, or end the program that has it"
    }
  }
}

/// Listens on an address for as long as it exists, and answers every request with what `answer` makes of its head.
///
/// libmicrohttpd reads, checks and writes HTTP. A connection serves one request: what follows its head is not read, so
/// that nothing in a body can pass for a request. `answer` is called from several threads.
final class PageServer: Sendable {
  /// Connections beyond these wait.
  static let connections: UInt32 = 128
  /// A client that sends or takes nothing for so long is given up, in seconds.
  static let patience: UInt32 = 10
  /// Bytes for the head of a request; a longer one is refused.
  static let longestHead = 16 * 1024

  /// The port that was given, or found free.
  let port: Int
  private let handler: Handler
  /// Made once, and stopped once when nobody holds the server any more.
  private nonisolated(unsafe) let daemon: OpaquePointer

  init(host: String, port: Int, answer: @escaping @Sendable (PageRequest) -> PageResponse) throws(PageServerError) {
    handler = Handler(answer: answer)
    var hints = addrinfo()
    hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_PASSIVE
    var found: UnsafeMutablePointer<addrinfo>?
    let status = getaddrinfo(host, String(port), &hints, &found)
    guard status == 0, let address = found else {
      throw .unknownHost(host, reason: String(cString: gai_strerror(status)))
    }
    defer { freeaddrinfo(found) }
    errno = 0
    let family = address.pointee.ai_family == AF_INET6 ? MHD_USE_DUAL_STACK.rawValue : 0
    let daemon = MHD_start_with_limits(
      MHD_USE_AUTO_INTERNAL_THREAD.rawValue | family, address.pointee.ai_addr, respond,
      Unmanaged.passUnretained(handler).toOpaque(), Self.connections, Self.patience, Self.longestHead, 2)
    guard let daemon else {
      throw .cannotListen(host: host, port: port, reason: String(cString: strerror(errno)))
    }
    self.daemon = daemon
    self.port = Int(MHD_bound_port(daemon))
  }

  deinit { MHD_stop_daemon(daemon) }
}

/// What the library's threads get to see of the server.
private final class Handler: Sendable {
  let answer: @Sendable (PageRequest) -> PageResponse
  init(answer: @escaping @Sendable (PageRequest) -> PageResponse) { self.answer = answer }
}

/// Called by the library as soon as the head of a request is there; an answer given then keeps it from reading a body.
private let respond: MHD_AccessHandlerCallback = { context, connection, path, method, _, _, _, _ in
  guard let context, let connection, let path, let method else { return .NO }
  let request = PageRequest(
    method: String(cString: method), path: String(cString: path), fields: values(.HEADER_KIND, of: connection),
    queries: values(.GET_ARGUMENT_KIND, of: connection))
  return send(Unmanaged<Handler>.fromOpaque(context).takeUnretainedValue().answer(request), to: connection)
}

/// All names and values of one kind, in the order in which they came.
private func values(_ kind: MHD_ValueKind, of connection: OpaquePointer) -> [(String, String)] {
  var found: [(String, String)] = []
  withUnsafeMutablePointer(to: &found) {
    _ = MHD_get_connection_values(
      connection, kind,
      { list, _, name, value in
        guard let list, let name else { return .YES }
        list.assumingMemoryBound(to: [(String, String)].self).pointee
          .append((String(cString: name), value.map { String(cString: $0) } ?? ""))
        return .YES
      }, $0)
  }
  return found
}

private func send(_ response: PageResponse, to connection: OpaquePointer) -> MHD_Result {
  let made = response.body.withUnsafeBytes {
    // The library copies the bytes; it only fails to declare that it does not change them.
    MHD_create_response_from_buffer($0.count, UnsafeMutableRawPointer(mutating: $0.baseAddress), .RESPMEM_MUST_COPY)
  }
  guard let made else { return .NO }
  defer { MHD_destroy_response(made) }
  for (name, value) in response.fields { MHD_add_response_header(made, name, value) }
  MHD_add_response_header(made, "Connection", "close")
  return MHD_queue_response(connection, response.status.rawValue, made)
}
