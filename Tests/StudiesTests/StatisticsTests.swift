import Studies
import Testing

@Suite("Statistics") struct StatisticsTests {
  @Test("mean and spread by hand")
  func byHand() {
    #expect(meanAndSpread([1, 3]) == (2, 2.0.squareRoot()))
    #expect(meanAndSpread([5]) == (5, 0))
  }
}
