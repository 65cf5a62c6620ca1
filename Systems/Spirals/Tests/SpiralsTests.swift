import Reports
import Runs
import Spirals
import Testing

@Suite("Spirals") struct SpiralsTests {
  @Test("a small network separates the spirals, which a line cannot")
  func separates() throws {
    let report = try Spirals.run(Spirals.configuration(.quick), in: RunContext())
    let accuracy = try #require(report.figures.first { $0.name.contains("accuracy") })
    // The best line is right for about 60 % of two interleaved spirals.
    #expect(accuracy.value > 0.9)
  }
}
