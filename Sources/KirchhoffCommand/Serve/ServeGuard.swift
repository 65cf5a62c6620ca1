import Foundation

/// Lets through what comes from our own page, and nothing else.
///
/// - Foreign names in the Host header are refused, against DNS rebinding.
/// - Requests that other sites make are refused; what changes something also needs a header that other sites cannot send.
/// - Bodies are not used, and refused beyond a few bytes.
/// - Away from loopback a token is needed.
struct ServeGuard: Sendable {
  let host: String
  let isLocal: Bool
  let token: String?

  private static let cookie = "kirchhoff-token"

  func answer(_ request: PageRequest, next: (PageRequest) -> PageResponse) -> PageResponse {
    var response = refusal(of: request) ?? entry(of: request) ?? next(request)
    response.fields["X-Content-Type-Options"] = "nosniff"
    response.fields["Referrer-Policy"] = "no-referrer"
    response.fields["Cross-Origin-Resource-Policy"] = "same-origin"
    response.fields["Cache-Control"] = "no-store"
    return response
  }

  private func refusal(of request: PageRequest) -> PageResponse? {
    guard let authority = request.field("Host"), isOurs(authority) else {
      return .text(.misdirected, "this address is not served under that name")
    }
    let site = request.field("Sec-Fetch-Site")
    // Following a link to the page itself is harmless.
    let isLink = request.method == "GET" && request.path == "/"
    if let site, site != "same-origin", site != "none", !isLink {
      return .text(.forbidden, "requests from other sites are refused")
    }
    if let origin = request.field("Origin"), origin != "http://\(authority)" {
      return .text(.forbidden, "requests from other sites are refused")
    }
    if !request.onlyReads {
      guard request.method == "POST" else { return .text(.methodNotAllowed, "only GET and POST are used here") }
      guard request.field("X-Kirchhoff") == "1" else {
        return .text(.forbidden, "the header X-Kirchhoff: 1 is missing")
      }
    }
    let length = request.field("Content-Length").map { Int($0) ?? .max } ?? 0
    guard length <= 1024, request.field("Transfer-Encoding") == nil else {
      return .text(.contentTooLarge, "no body is expected")
    }
    return nil
  }

  /// What a client gets that is let in by the printed address, or that has no token; nothing for one that is in.
  private func entry(of request: PageRequest) -> PageResponse? {
    guard let token else { return nil }
    if let given = request.query("token"), matches(given, token) {
      let cookie = "\(ServeGuard.cookie)=\(token); HttpOnly; SameSite=Strict; Path=/"
      return PageResponse(status: .seeOther, fields: ["Location": "/", "Set-Cookie": cookie])
    }
    let cookies = (request.field("Cookie") ?? "").split(separator: ";").map { $0.trimmingCharacters(in: .whitespaces) }
    let bearer = request.field("Authorization").map { String($0.dropFirst(7)) }
    let isKnown =
      cookies.contains { matches($0, "\(ServeGuard.cookie)=\(token)") } || bearer.map { matches($0, token) } == true
    return isKnown
      ? nil : .text(.unauthorized, "the token is missing: open the address that `kirchhoff serve` printed")
  }

  private func isOurs(_ authority: String) -> Bool {
    // The port does not matter: behind a forwarded port it is another one.
    let name =
      authority.hasPrefix("[")
      ? String(authority.dropFirst().prefix { $0 != "]" }) : String(authority.prefix { $0 != ":" })
    if ["127.0.0.1", "::1", "localhost"].contains(name.lowercased()) { return true }
    guard !isLocal else { return false }
    var (v4, v6) = (in_addr(), in6_addr())
    // An attack by DNS rebinding needs a name; an address typed in is fine.
    return name == host || name.lowercased() == ProcessInfo.processInfo.hostName.lowercased()
      || inet_pton(AF_INET, name, &v4) == 1 || inet_pton(AF_INET6, name, &v6) == 1
  }

  /// Compares in a time that does not tell how much agrees.
  private func matches(_ a: String, _ b: String) -> Bool {
    let (x, y) = (Array(a.utf8), Array(b.utf8))
    return x.count == y.count && zip(x, y).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
  }

  static func newToken() -> String {
    (0..<2).map { _ in String(format: "%016lx", UInt64.random(in: .min ... .max)) }.joined()
  }
}
