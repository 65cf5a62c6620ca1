import Chips
import KoopmanAssimilation
import Reports
import Runs
import Testing

@Suite("Reports of Koopman assimilation") struct KoopmanReportTests {
  @Test(
    "reports have all baselines in one table, pictures, and the arrays' degradation",
    arguments: [KoopmanKuramotoSivashinsky.self, KoopmanBurgers.self, KoopmanNavierStokes.self] as [any System.Type])
  func report(type: any System.Type) throws {
    try check(type)
  }

  private func check<S: System>(_ system: S.Type) throws {
    var substrate = S.substrate.choosing(.analog)
    substrate.draws = 2
    let report = try S.run(S.configuration(.smallest), in: RunContext(substrate: substrate))
    let name = S.card.name
    let table = try #require(report.tables.first { $0.title.hasPrefix("Mean square errors") })
    let names = table.rows.map { $0[0] }
    for word in [
      "both stages", "first stage", "roll-out", "persistence", "climatology", "regression", "ensemble Kalman",
    ] {
      #expect(names.contains { $0.contains(word) })
    }
    #expect(names.contains { $0.contains(name == "koopman-ns" ? "convolutional" : "Fourier") })
    #expect(names.contains { $0.contains(name == "koopman-ns" ? "bilinear" : "spline") })
    #expect(report.tables.contains { $0.title.hasPrefix("The filter's products on arrays") })
    #expect(report.tables.contains { $0.title.hasPrefix("Each chip") } == (name == "koopman-ns"))
    #expect(report.charts.count >= 5)
    #expect(report.outcomes.allSatisfy { $0.figure != nil })
    #expect(
      report.figures.filter { $0.name.contains("error") && !$0.name.contains("over") }.allSatisfy { !$0.data.isEmpty })
  }
}
