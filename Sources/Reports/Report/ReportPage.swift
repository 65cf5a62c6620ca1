import Foundation
import Mustache
import Runs
import Settings

/// One self-contained HTML page for a run.
public enum ReportPage {
  /// - Parameter gnuplot: draws the charts; without it the page says how to get them.
  public static func html(_ report: Report, _ record: RunRecord, gnuplot: Gnuplot? = Gnuplot()) throws -> String {
    var notes = report.notes
    if gnuplot == nil, !report.charts.isEmpty { notes.append(Gnuplot.advice) }
    let charts: [[String: Any]] =
      gnuplot.map { gnuplot in
        report.charts.map { chart in
          do {
            let still = inline(try gnuplot.draw(chart))
            if chart.frames.isEmpty { return ["title": chart.title, "svg": still] }
            let moving = try gnuplot.animate(chart).base64EncodedString()
            return ["title": chart.title, "still": still, "moving": moving]
          } catch {
            return ["title": chart.title, "svg": "", "problem": ": \(error)"]
          }
        }
      } ?? []
    let claims: [[String: Any]] = report.outcomes.map { outcome in
      let claim = outcome.claim
      func text(_ value: Double, uncertainty: Double = 0) -> String {
        Quantity.text(value, unit: outcome.figure?.unit ?? "", uncertainty: uncertainty)
      }
      return [
        "name": claim.figure, "published": text(claim.published),
        "ours": outcome.figure.map { text($0.value, uncertainty: $0.uncertainty) } ?? "–",
        "how": outcome.figure.map(how) ?? "–", "accepted": "\(text(claim.lowest)) to \(text(claim.highest))",
        "outcome": outcome.words, "class": outcome.status == .reached ? "reached" : "missed",
        "place": claim.place,
      ]
    }
    let figures: [[String: Any]] = report.figures.map {
      [
        "name": $0.name, "value": Quantity.text($0.value, unit: $0.unit, uncertainty: $0.uncertainty), "how": how($0),
      ]
    }
    func values(_ table: Report.Table) -> [String: Any] {
      ["title": table.title, "columns": table.columns, "rows": table.rows.map { ["cells": $0] }]
    }
    let settings: [[String: Any]] = record.specification.settings.map { ["key": $0.key, "value": $0.value.text] }
    let values: [String: Any] = [
      "title": report.card.title, "summary": report.card.summary, "source": report.card.source, "id": record.id,
      "date": record.created.formatted(.iso8601), "seconds": Quantity.text(record.duration), "version": record.version,
      "seed": "\(record.specification.seed)", "machine": "\(record.machine.processor), \(record.machine.cores) cores",
      "hasClaims": !claims.isEmpty, "claims": claims, "figures": figures, "notes": notes, "charts": charts,
      "pictures": report.pictures.map(parts),
      "tables": report.tables.map(values), "headline": report.summary.map { [values($0)] } ?? [],
      "hasData": !report.data.isEmpty,
      "data": report.data.map { ["name": $0.name, "sha256": $0.sha256] }, "settings": settings,
    ]
    return try template.render(values)
  }

  /// A picture as the template wants it: captioned parts, a moving one with its still, or one alone.
  private static func parts(_ picture: Report.Picture) -> [String: Any] {
    let data = picture.png.base64EncodedString()
    if let inner = picture.parts { return ["title": picture.title, "parts": inner.map(parts)] }
    if let still = picture.still {
      return ["title": picture.title, "moving": data, "still": still.base64EncodedString()]
    }
    return ["title": picture.title, "base64": data]
  }

  private static var template: MustacheTemplate {
    get throws { try MustacheTemplate(string: String(decoding: PackageResources.page_mustache, as: UTF8.self)) }
  }

  private static func how(_ figure: Figure) -> String {
    figure.origin.rawValue + (figure.data.isEmpty ? "" : ", \(figure.data)")
  }

  /// The drawing without the lines that make it a document of its own.
  private static func inline(_ svg: Data) -> String {
    let text = String(decoding: svg, as: UTF8.self)
    return text.range(of: "<svg").map { String(text[$0.lowerBound...]) } ?? ""
  }
}
