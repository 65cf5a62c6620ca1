import ArgumentParser
import Foundation
import Hummingbird
import HummingbirdCore
import Logging
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
    let router = Router()
    router.add(middleware: ServeGuard(host: host, isLocal: isLocal, token: token))
    ServePages(store: store).register(router)
    let shown = host.contains(":") ? "[\(host)]" : host
    var logger = Logger(label: "kirchhoff")
    logger.logLevel = .critical
    let application = Application(
      router: router,
      // A request whose head does not arrive within ten seconds is given up, as is one with a head beyond 16 KB.
      server: .http1(
        configuration: .init(
          idleTimeout: .seconds(10),
          httpDecoderConfiguration: .init(maxHeaderFieldSize: 8192, maxHeaderListSize: 16384, maxHeaderFieldCount: 100))
      ),
      configuration: ApplicationConfiguration(
        address: .hostname(host, port: port), serverName: nil,
        availableConnectionsDelegate: MaximumAvailableConnections(128, logger: logger)),
      onServerRunning: { channel in
        let port = channel.localAddress?.port ?? 0
        // Whoever reads our output waits for this line, so it must not stay in a buffer.
        print("http://\(shown):\(port)/" + (token.map { "?token=\($0)" } ?? ""))
        fflush(nil)
      }, logger: logger)
    do { try await application.runService() } catch {
      throw ValidationError(
        "--host \(host) --port \(port) cannot be used: \(error): choose another port, or end the program that has it")
    }
  }
}
