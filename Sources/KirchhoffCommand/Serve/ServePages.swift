import Foundation
import HTTPTypes
import Hummingbird
import Reports
import Runs

/// The page and what it asks for.
struct ServePages: Sendable {
  let store: RunStore

  func register(_ router: Router<BasicRequestContext>) {
    router.get("/") { _, _ in page() }
    router.get("/api/runs") { request, _ in try answer { try list(request) } }
    router.get("/api/runs/:id") { _, context in
      try answer { try store.run(store.resolve(context.parameters.require("id"))) }
    }
    router.get("/api/compare") { request, _ in
      try answer {
        let ids = (request.uri.queryParameters["runs"] ?? "").split(separator: ",").prefix(8)
        return try RunComparison(ids.map { try store.run(store.resolve(String($0))) }).rows(onlyDifferences: true)
      }
    }
    router.post("/api/runs/:id/cancel") { _, context in
      try answer { ["cancelled": try store.requestCancellation(store.resolve(context.parameters.require("id")))] }
    }
    router.get("/runs/:id/:file") { _, context in
      try file(context.parameters.require("id"), context.parameters.require("file"))
    }
  }

  private func page() -> Response {
    let nonce = (0..<2).map { _ in String(UInt64.random(in: .min ... .max), radix: 36) }.joined()
    let text = String(decoding: PackageResources.page_html, as: UTF8.self).replacing("NONCE", with: nonce)
    return response(
      Data(text.utf8), "text/html; charset=utf-8",
      policy: """
        default-src 'none'; script-src 'nonce-\(nonce)'; style-src 'nonce-\(nonce)'; connect-src 'self'; \
        base-uri 'none'; form-action 'none'; frame-ancestors 'none'
        """)
  }

  /// A run as the list shows it.
  private struct Row: Encodable {
    var id: String, system: String, status: String, seed: String, sweep: String, error: String, progressText: String
    var point: Int
    var progress: Double, seconds: Double
    var hasReport: Bool
    var settings: [String: String]
    var figures: [String: Double]
    var units: [String: String]
  }

  private func list(_ request: Request) throws -> [Row] {
    try store.markInterrupted()
    let query = request.uri.queryParameters
    let filters = try (query["where"] ?? "").split(separator: ",").map { try RunFilter(String($0)) }
    let limit = min(1000, max(1, query["limit"].flatMap { Int($0) } ?? 200))
    let sweep = query["sweep"].flatMap { $0.isEmpty ? nil : String($0) }
    return try store.runs(where: filters, limit: limit, sweep: sweep).map { run in
      Row(
        id: run.id, system: run.specification.system, status: run.status.rawValue, seed: "\(run.specification.seed)",
        sweep: run.sweep, error: run.error, progressText: run.progressText, point: run.point, progress: run.progress,
        seconds: run.duration, hasReport: run.artefacts.contains { $0.path == "report.html" },
        settings: Dictionary(run.specification.settings.map { ($0.key, $0.value.text) }) { $1 },
        figures: Dictionary(run.figures.filter(\.value.isFinite).map { ($0.name, $0.value) }) { $1 },
        units: Dictionary(run.figures.map { ($0.name, $0.unit) }) { $1 })
    }
  }

  /// A file that the run recorded; any other name is unknown, so no path leads out of the folder.
  private func file(_ id: String, _ name: String) throws -> Response {
    guard let record = try? store.run(store.resolve(id)),
      let artefact = record.artefacts.first(where: { $0.path == name }),
      let data = FileManager.default.contents(atPath: "\(record.folder)/\(artefact.path)")
    else { throw HTTPError(.notFound, message: "there is no such file") }
    let types = [
      "html": "text/html; charset=utf-8", "json": "application/json", "png": "image/png",
      "yaml": "text/plain; charset=utf-8",
    ]
    return response(
      data, types[URL(fileURLWithPath: name).pathExtension] ?? "application/octet-stream",
      policy: "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox")
  }

  private func answer(_ body: () throws -> some Encodable) throws -> Response {
    do {
      return response(try RunRecord.encoder.encode(body()), "application/json", policy: "default-src 'none'")
    } catch let error as StoreError {
      let status: HTTPResponse.Status =
        switch error {
        case .noSuchRun, .ambiguousRun: .notFound
        case .invalidFilter: .badRequest
        default: .internalServerError
        }
      throw HTTPError(status, message: error.description)
    }
  }

  private func response(_ data: Data, _ type: String, policy: String) -> Response {
    var response = Response(status: .ok, body: .init(byteBuffer: .init(bytes: data)))
    response.headers[.contentType] = type
    response.headers[.securityPolicy] = policy
    return response
  }
}
