import Runs
import ArgumentParser
import Foundation
import Reports

struct ServeCommand: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "Opens a local page that shows runs while they go on.",
    discussion: """
      The page lists and filters runs, follows their progress, draws sweeps, compares runs, opens reports and cancels runs.
      It is reachable from this machine only, unless --host names another address; then a token is needed, which is part
      of the address that is printed. Nothing is loaded from elsewhere.
      """)

  @Option(help: "Address to listen on.") var host = "127.0.0.1"
  @Option(help: "Port, 0 for any that is free.") var port = 8600
  @OptionGroup var store: StoreOptions

  func validate() throws {
    if !(0...65535).contains(port) { throw ValidationError("--port is \(port), expected 0 to 65535") }
  }

  func run() async throws {
    let store = try store.open()
    let isLocal = ["127.0.0.1", "::1", "localhost"].contains(host)
    let token = isLocal ? nil : ServeGuard.newToken()
    let gate = ServeGuard(host: host, isLocal: isLocal, token: token)
    let pages = ServePages(store: store)
    let stop = StopRequest()
    let server: PageServer
    do {
      server = try PageServer(host: host, port: port) { gate.answer($0, next: pages.answer) }
    } catch { throw ValidationError(error.description) }
    let shown = host.contains(":") ? "[\(host)]" : host
    // Whoever reads our output waits for this line, so it must not stay in a buffer.
    print("http://\(shown):\(server.port)/" + (token.map { "?token=\($0)" } ?? ""))
    fflush(nil)
    while !stop.isRequested { try await Task.sleep(for: .milliseconds(100)) }
    withExtendedLifetime(server) {}
  }
}
