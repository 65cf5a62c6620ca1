import Chips
import Foundation
import Networks
import Reports
import Runs
import Settings
import Studies
import Tensors
import Testing

@Suite("Helpers of studies") struct HelperTests {
  /// Cancels a run when it told its progress so often.
  private final class Impatient: RunListener {
    private let told = Locked(0)
    private let limit: Int
    init(after limit: Int) { self.limit = limit }
    func recorded(metric: String, step: Int, value: Double) {}
    func progressed(fraction: Double, text: String) { told.withLock { $0 += 1 } }
    var isCancelled: Bool { told.withLock { $0 } >= limit }
  }

  @Test("pieces come back in order, whatever the number of threads")
  func pieces() throws {
    let alone = try RunContext().pieces(40) { $0 * $0 }
    #expect(alone.all == (0..<40).map { $0 * $0 } && alone.mine.count == 40)
  }

  @Test("a piece that fails ends the work with its error; a cancelled run ends between pieces")
  func failing() throws {
    struct Failure: Error {}
    #expect(throws: Failure.self) { try RunContext().pieces(20) { if $0 == 7 { throw Failure() } else { return $0 } } }
    #expect(throws: RunCancelled.self) { try RunContext(listener: Impatient(after: 0)).pieces(40) { $0 } }
  }

  @Test("draws are made anew where things are drawn, and once where nothing is")
  func draws() throws {
    var choice = SubstrateChoice(.analog)
    choice.draws = 3
    let context = RunContext(substrate: choice)
    let words = try context.overDraws(named: "chip") { _, random in
      var random = random
      return random.next()
    }
    #expect(Set(words).count == 3)
    // The same name gives the same chips.
    #expect(
      try context.overDraws(named: "chip") { _, random in
        var random = random
        return random.next()
      } == words)
    #expect(try context.overDraws(of: SubstrateChoice(.digital), named: "chip") { _, _ in 1 } == [1])
  }

  @Test("cases that the device has no setting for are named, wrong values are errors")
  func cases() throws {
    var choice = SubstrateChoice(.analog)
    var list = HardwareCases()
    try list.add("noise", choice.withoutFaults, ["device.readNoise=0.02"])
    #expect(throws: ConfigurationError.self) { try list.add("wrong", choice, ["device.readNoise=-1"]) }
    choice = try choice.setting("device.kind=ideal")
    try list.add("levels", choice, ["device.levels=64"])
    #expect(list.cases.map(\.name) == ["noise"] && list.missing == ["levels"])
  }

  @Test("a line by least squares is fitted, its checkpoint continued to the same bits")
  func fit() throws {
    let x = try Tensor<Float>((0..<64).map { Float($0) / 32 - 1 }, shape: [64, 1])
    let y = try x * 3 - 0.5
    func trained(folder: String?, listener: any RunListener = NoListener()) throws -> (Dense, [EpochRecord]) {
      var random = RandomStream(seed: 1)
      var layer = try Dense(1, 1, using: &random)
      var fit = Fit("line", rate: 0.05, batch: 16, updates: 400, of: 64)
      (fit.falls, fit.checkpointEvery) = (false, 7)
      let records = try RunContext(folder: folder, listener: listener).fit(fit, &layer, samples: 64, progress: 0...1) {
        try meanSquaredError($0.forward(x.selecting($1), in: &$2), y.selecting($1))
      }
      return (layer, records)
    }
    let whole = try trained(folder: nil)
    // Adam ends within about its rate of the minimum; the problem is noiseless.
    let values = try whole.0.state().map { try $0.tensor.item() }
    #expect(values.sorted().count == 2 && abs(values.max()! - 3) < 0.02 && abs(values.min()! + 0.5) < 0.02)
    #expect(whole.1.count == 100)
    let folder = FileManager.default.temporaryDirectory.appending(path: "fit-\(UUID())").path
    defer { try? FileManager.default.removeItem(atPath: folder) }
    #expect(throws: RunCancelled.self) { try trained(folder: folder, listener: Impatient(after: 30)) }
    let continued = try trained(folder: folder)
    #expect(try continued.0.state().map { try $0.tensor.item() } == values)
    let isSame = continued.1 == whole.1
    #expect(isSame)
  }

  @Test("a table has units with prefixes, means with spreads, and dashes for what is missing")
  func table() {
    var table = ComparisonTable(["", "a", "b", "c", "d"])
    table.add("row", [.number(4.18e-8, unit: "J"), .sample([1, 2, 3]), .init(nil), "words"])
    #expect(table.rows == [["row", "41.8 nJ", "2.0 ± 1.0", "–", "words"]])
  }
}
