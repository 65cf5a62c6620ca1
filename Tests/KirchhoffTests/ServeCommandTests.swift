import Runs
import Foundation
import Reports
import Testing

@Suite("kirchhoff serve") struct ServeCommandTests {
  /// The server, for as long as the body runs.
  private func withServer(
    _ arguments: [String] = [], store: String, _ body: (_ url: String, _ port: Int) throws -> Void
  ) throws {
    let program = try Program(["serve", "--port", "0"] + arguments, store: store)
    let url = program.firstLine()
    let parts = try #require(URL(string: url))
    try body(url, try #require(parts.port))
    kill(program.process.processIdentifier, SIGKILL)
    _ = program.wait()
  }

  /// What the server answers to raw bytes; nothing when it closes without an answer, or does not within the time.
  private func answer(_ port: Int, _ request: String, seconds: Int = 20) -> String {
    let s = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(s) }
    var time = timeval(tv_sec: seconds, tv_usec: 0)
    setsockopt(s, SOL_SOCKET, SO_RCVTIMEO, &time, socklen_t(MemoryLayout<timeval>.size))
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = in_port_t(port).bigEndian
    address.sin_addr.s_addr = in_addr_t(0x7F00_0001).bigEndian
    let status = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) { connect(s, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) }
    }
    guard status == 0 else { return "no connection" }
    _ = request.withCString { send(s, $0, strlen($0), Int32(MSG_NOSIGNAL)) }
    var text = ""
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = recv(s, &buffer, buffer.count, 0)
      if count <= 0 { return text }
      text += String(decoding: buffer[..<count], as: UTF8.self)
    }
  }

  private func get(_ port: Int, _ path: String, host: String = "127.0.0.1", extra: String = "", method: String = "GET")
    -> String
  {
    answer(port, "\(method) \(path) HTTP/1.1\r\nHost: \(host)\r\n\(extra)Connection: close\r\n\r\n")
  }

  @Test("foreign names, other sites, other paths and large requests are refused")
  func refuses() throws {
    try withFolder { folder in
      let run = try Program.run(["run", "spirals", "--set", "epochs=1", "--set", "points=100"], store: folder)
      #expect(run.status == 0)
      let id = try RunStore(folder: folder).resolve("last")
      try withServer(store: folder) { _, port in
        #expect(get(port, "/").hasPrefix("HTTP/1.1 200"))
        #expect(get(port, "/").contains("Content-Security-Policy: default-src 'none'"))
        #expect(get(port, "/api/runs").contains(id))
        #expect(get(port, "/runs/\(id)/report.html").contains("Two spirals"))
        // DNS rebinding.
        #expect(get(port, "/api/runs", host: "evil.example").hasPrefix("HTTP/1.1 421"))
        #expect(
          answer(port, "GET / HTTP/1.0\r\n\r\n").hasPrefix("HTTP/1.1 4")
            || answer(port, "GET / HTTP/1.0\r\n\r\n").hasPrefix("HTTP/1.0 4"))
        // Requests of other sites.
        #expect(get(port, "/api/runs", extra: "Origin: http://evil.example\r\n").hasPrefix("HTTP/1.1 403"))
        #expect(get(port, "/api/runs", extra: "Sec-Fetch-Site: cross-site\r\n").hasPrefix("HTTP/1.1 403"))
        #expect(get(port, "/api/runs/\(id)/cancel", method: "POST").hasPrefix("HTTP/1.1 403"))
        #expect(
          get(port, "/api/runs/\(id)/cancel", extra: "X-Kirchhoff: 1\r\nContent-Length: 0\r\n", method: "POST")
            .contains("\"cancelled\" : false"))
        #expect(get(port, "/api/runs", method: "DELETE").hasPrefix("HTTP/1.1 405"))
        // Paths out of the folder.
        for path in [
          "/runs/\(id)/../../../../etc/passwd", "/runs/\(id)/..%2f..%2f..%2fetc%2fpasswd",
          "/runs/\(id)/%2fetc%2fpasswd", "/runs/..%2f\(id)/report.html", "/runs/\(id)/record.json",
        ] {
          let found = get(port, path)
          #expect(found.hasPrefix("HTTP/1.1 404") && !found.contains("root:"), "\(path)")
        }
        // Large heads and bodies.
        #expect(get(port, "/", extra: "X-Large: \(String(repeating: "a", count: 50_000))\r\n").hasPrefix("HTTP/1.1 4"))
        #expect(
          get(port, "/api/runs/\(id)/cancel", extra: "X-Kirchhoff: 1\r\nContent-Length: 1000000000\r\n", method: "POST")
            .hasPrefix("HTTP/1.1 413"))
        #expect(get(port, "/api/runs?where=a~b").contains("not understood"))
        #expect(get(port, "/api/runs/zzz").hasPrefix("HTTP/1.1 404"))
      }
    }
  }

  @Test("a client that sends its request too slowly is given up")
  func slow() throws {
    try withFolder { folder in
      try withServer(store: folder) { _, port in
        let start = Date()
        #expect(answer(port, "GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Never", seconds: 30).isEmpty)
        // The limit is ten seconds; the socket of the test would wait thirty.
        #expect((5...20).contains(Date().timeIntervalSince(start)))
      }
    }
  }

  @Test("what follows the head of a request is not taken for another request")
  func oneRequest() throws {
    try withFolder { folder in
      try withServer(store: folder) { _, port in
        let hidden = "GET /api/runs HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
        for length in [hidden.utf8.count, 0] {
          let found = answer(
            port,
            "POST /api/runs/none/cancel HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Kirchhoff: 1\r\nContent-Length: \(length)\r\n\r\n\(hidden)"
          )
          #expect(found.hasPrefix("HTTP/1.1 404") && found.components(separatedBy: "HTTP/1.1 ").count == 2, "\(found)")
        }
        // Two values of a field that is checked: neither counts alone.
        #expect(get(port, "/", extra: "Host: evil.example\r\n").hasPrefix("HTTP/1.1 421"))
        #expect(get(port, "/api/runs", extra: "Transfer-Encoding: chunked\r\n").hasPrefix("HTTP/1.1 413"))
        // A head without an end.
        #expect(answer(port, "GET /?" + String(repeating: "a", count: 1_000_000)).hasPrefix("HTTP/1.1 4"))
      }
    }
  }

  @Test("an address that cannot be used is said to be so")
  func addresses() throws {
    try withFolder { folder in
      try withServer(store: folder) { _, port in
        let taken = try Program.run(["serve", "--port", "\(port)"], store: folder)
        #expect(taken.status == 64 && taken.errors.contains("--port \(port) cannot be used: Address already in use"))
      }
      let foreign = try Program.run(["serve", "--host", "192.0.2.1", "--port", "0"], store: folder)
      #expect(foreign.status == 64 && foreign.errors.contains("Cannot assign requested address"))
      let unknown = try Program.run(["serve", "--host", "nowhere.invalid"], store: folder)
      #expect(unknown.status == 64 && unknown.errors.contains("nowhere.invalid is not known"))
      let large = try Program.run(["serve", "--port", "65536"], store: folder)
      #expect(large.status == 64 && large.errors.contains("expected 0 to 65535"))
    }
  }

  @Test("Ctrl-C and the termination signal end the server", arguments: [SIGINT, SIGTERM])
  func stops(signal: Int32) throws {
    try withFolder { folder in
      let program = try Program(["serve", "--port", "0"], store: folder)
      #expect(program.firstLine().hasPrefix("http://127.0.0.1:"))
      kill(program.process.processIdentifier, signal)
      #expect(program.wait().status == 0)
    }
  }

  @Test("away from loopback a token is needed")
  func token() throws {
    try withFolder { folder in
      try withServer(["--host", "0.0.0.0"], store: folder) { url, port in
        let token = try #require(url.components(separatedBy: "token=").last)
        #expect(token.count == 32)
        #expect(get(port, "/api/runs").hasPrefix("HTTP/1.1 401"))
        #expect(get(port, "/?token=wrong").hasPrefix("HTTP/1.1 401"))
        #expect(get(port, "/?token=\(token)").contains("HttpOnly; SameSite=Strict"))
        #expect(get(port, "/api/runs", extra: "Cookie: kirchhoff-token=\(token)\r\n").hasPrefix("HTTP/1.1 200"))
        #expect(get(port, "/api/runs", extra: "Authorization: Bearer \(token)\r\n").hasPrefix("HTTP/1.1 200"))
        #expect(
          get(port, "/api/runs", host: "evil.example", extra: "Cookie: kirchhoff-token=\(token)\r\n").hasPrefix(
            "HTTP/1.1 421"))
      }
    }
  }

  private static let hasBrowser: Bool = {
    guard installed("chromedriver") != nil, installed("chromium") != nil else { return false }
    let python = Process()
    python.executableURL = URL(fileURLWithPath: "\(project)/.venv/bin/python")
    python.arguments = ["-c", "import selenium"]
    python.standardError = FileHandle.nullDevice
    return (try? python.run()).map { python.waitUntilExit() } != nil && python.terminationStatus == 0
  }()

  @Test(
    "the page lists, filters, follows, compares and cancels in a real browser",
    .enabled(if: hasBrowser, "chromium, chromedriver or selenium is not installed"))
  func browser() throws {
    try withFolder { folder in
      let store = "\(folder)/store"
      try Data(
        "schema: 1\nsystem: mimo-ofdm\nconfiguration: { symbols: 20, curve_dB: [], comparisonSymbols: 0 }\nsweep: { axes: { esN0_dB: [0, 10], seed: [1, 2] } }"
          .utf8
      ).write(to: URL(fileURLWithPath: "\(folder)/s.yaml"))
      #expect(try Program.run(["sweep", "\(folder)/s.yaml"], store: store).status == 0)
      let sweep = try #require(RunStore(folder: store).runs().first).sweep
      let running = try Program(
        ["run", "spirals", "--set", "epochs=100000", "--set", "points=100", "--seed", "5"], store: store)
      var id: String?
      for _ in 0..<200 where id == nil {
        id = try RunStore(folder: store).runs(where: [RunFilter("status=running"), RunFilter("system=spirals")]).first?
          .id
        usleep(20_000)
      }
      try withServer(store: store) { url, _ in
        let python = Process()
        python.executableURL = URL(fileURLWithPath: "\(project)/.venv/bin/python")
        python.arguments = ["\(project)/Tests/Browser/serve_page.py", url, try #require(id), sweep]
        let output = Pipe()
        python.standardOutput = output
        python.standardError = output
        try python.run()
        let text = String(decoding: output.fileHandleForReading.readDataToEndOfFile(), as: UTF8.self)
        python.waitUntilExit()
        #expect(python.terminationStatus == 0, "\(text)")
      }
      // The run was cancelled from the page, and says so.
      #expect(running.wait().status == 130)
    }
  }
}
