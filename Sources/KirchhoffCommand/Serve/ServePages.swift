import Foundation
import Reports
import Runs

/// The page and what it asks for.
struct ServePages: Sendable {
  let store: RunStore

  func answer(_ request: PageRequest) -> PageResponse {
    do { return try found(request) } catch let error as StoreError {
      switch error {
      case .noSuchRun, .ambiguousRun: return problem(.notFound, error.description)
      case .invalidFilter: return problem(.badRequest, error.description)
      default: return problem(.failed, error.description)
      }
    } catch { return problem(.failed, "\(error)") }
  }

  private func found(_ request: PageRequest) throws -> PageResponse {
    let parts = request.path.split(separator: "/", omittingEmptySubsequences: false).dropFirst().map(String.init)
    if request.method == "POST", parts.count == 4, parts.starts(with: ["api", "runs"]), parts[3] == "cancel" {
      return try json(["cancelled": store.requestCancellation(store.resolve(parts[2]))])
    }
    guard request.onlyReads else { return problem(.notFound, "nothing can be changed there") }
    switch parts {
    case [""]: return page()
    case ["api", "runs"]: return try json(list(request))
    case ["api", "compare"]: return try json(comparison(request.query("runs") ?? ""))
    case _ where parts.count == 3 && parts.starts(with: ["api", "runs"]):
      return try json(store.run(store.resolve(parts[2])))
    case _ where parts.count == 3 && parts[0] == "runs": return file(parts[1], parts[2])
    default: return problem(.notFound, "there is no such page")
    }
  }

  private func page() -> PageResponse {
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

  private func list(_ request: PageRequest) throws -> [Row] {
    try store.markInterrupted()
    let filters = try (request.query("where") ?? "").split(separator: ",").map { try RunFilter(String($0)) }
    let limit = min(1000, max(1, request.query("limit").flatMap { Int($0) } ?? 200))
    let sweep = request.query("sweep").flatMap { $0.isEmpty ? nil : $0 }
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

  private func comparison(_ ids: String) throws -> [[String]] {
    let runs = try ids.split(separator: ",").prefix(8).map { try store.run(store.resolve(String($0))) }
    return RunComparison(runs).rows(onlyDifferences: true)
  }

  /// A file that the run recorded; any other name is unknown, so no path leads out of the folder.
  private func file(_ id: String, _ name: String) -> PageResponse {
    guard let record = try? store.run(store.resolve(id)),
      let artefact = record.artefacts.first(where: { $0.path == name }),
      let data = FileManager.default.contents(atPath: "\(record.folder)/\(artefact.path)")
    else { return problem(.notFound, "there is no such file") }
    let types = [
      "html": "text/html; charset=utf-8", "json": "application/json", "png": "image/png",
      "yaml": "text/plain; charset=utf-8",
    ]
    return response(
      data, types[URL(fileURLWithPath: name).pathExtension] ?? "application/octet-stream",
      policy: "default-src 'none'; img-src data:; style-src 'unsafe-inline'; sandbox")
  }

  private func json(_ value: some Encodable) throws -> PageResponse {
    response(try RunRecord.encoder.encode(value), "application/json", policy: "default-src 'none'")
  }

  /// What went wrong, in the shape in which the page looks for it.
  private func problem(_ status: PageResponse.Status, _ message: String) -> PageResponse {
    let body = try? RunRecord.encoder.encode(["error": ["message": message]])
    var response = response(body ?? Data(), "application/json", policy: "default-src 'none'")
    response.status = status
    return response
  }

  private func response(_ data: Data, _ type: String, policy: String) -> PageResponse {
    PageResponse(fields: ["Content-Type": type, "Content-Security-Policy": policy], body: data)
  }
}
