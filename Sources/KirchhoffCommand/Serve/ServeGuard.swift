import Foundation
import HTTPTypes
import Hummingbird

/// Lets through what comes from our own page, and nothing else.
///
/// - Foreign names in the Host header are refused, against DNS rebinding.
/// - Requests that other sites make are refused; what changes something also needs a header that other sites cannot send.
/// - Bodies are not used, and refused beyond a few bytes.
/// - Away from loopback a token is needed.
struct ServeGuard<Context: RequestContext>: RouterMiddleware {
  let host: String
  let isLocal: Bool
  let token: String?

  private static var cookie: String { "kirchhoff-token" }

  func handle(
    _ request: Request, context: Context, next: (Request, Context) async throws -> Response
  ) async throws -> Response {
    guard let authority = request.head.authority, isOurs(authority) else {
      return refusal(.misdirectedRequest, "this address is not served under that name")
    }
    let site = request.headers[.secFetchSite]
    // Following a link to the page itself is harmless.
    let isLink = request.method == .get && request.uri.path == "/"
    if let site, site != "same-origin", site != "none", !isLink {
      return refusal(.forbidden, "requests from other sites are refused")
    }
    if let origin = request.headers[.origin], origin != "http://\(authority)" {
      return refusal(.forbidden, "requests from other sites are refused")
    }
    if request.method != .get, request.method != .head {
      guard request.method == .post else { return refusal(.methodNotAllowed, "only GET and POST are used here") }
      guard request.headers[.kirchhoff] == "1" else {
        return refusal(.forbidden, "the header X-Kirchhoff: 1 is missing")
      }
    }
    let length = request.headers[.contentLength].map { Int($0) ?? .max } ?? 0
    guard length <= 1024, request.headers[.transferEncoding] == nil else {
      return refusal(.contentTooLarge, "no body is expected")
    }
    if let token {
      if let given = request.uri.queryParameters["token"], matches(String(given), token) {
        var response = Response(status: .seeOther)
        response.headers[.location] = "/"
        response.headers[.setCookie] = "\(ServeGuard.cookie)=\(token); HttpOnly; SameSite=Strict; Path=/"
        return response
      }
      let cookies = (request.headers[.cookie] ?? "").split(separator: ";").map {
        $0.trimmingCharacters(in: .whitespaces)
      }
      let bearer = request.headers[.authorization].map { String($0.dropFirst(7)) }
      guard
        cookies.contains(where: { matches($0, "\(ServeGuard.cookie)=\(token)") })
          || bearer.map({ matches($0, token) }) == true
      else { return refusal(.unauthorized, "the token is missing: open the address that `kirchhoff serve` printed") }
    }
    var response = try await next(request, context)
    response.headers[.contentTypeOptions] = "nosniff"
    response.headers[.referrerPolicy] = "no-referrer"
    response.headers[.resourcePolicy] = "same-origin"
    response.headers[.cacheControl] = "no-store"
    return response
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

  private func refusal(_ status: HTTPResponse.Status, _ text: String) -> Response {
    var response = Response(status: status, body: .init(byteBuffer: .init(string: text + "\n")))
    response.headers[.contentType] = "text/plain; charset=utf-8"
    // What else the client sends is not read.
    response.headers[.connection] = "close"
    return response
  }
}

extension ServeGuard where Context == BasicRequestContext {
  static func newToken() -> String {
    (0..<2).map { _ in String(format: "%016lx", UInt64.random(in: .min ... .max)) }.joined()
  }
}

/// Header fields that the library does not name. Each is a valid token.
extension HTTPField.Name {
  static let kirchhoff = HTTPField.Name("X-Kirchhoff")!
  static let secFetchSite = HTTPField.Name("Sec-Fetch-Site")!
  static let contentTypeOptions = HTTPField.Name("X-Content-Type-Options")!
  static let referrerPolicy = HTTPField.Name("Referrer-Policy")!
  static let resourcePolicy = HTTPField.Name("Cross-Origin-Resource-Policy")!
  static let securityPolicy = HTTPField.Name("Content-Security-Policy")!
}
