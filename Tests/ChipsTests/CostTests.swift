import Chips
import Circuits
import Devices
import Settings
import Substrates
import Tensors
import Testing

@Suite("Costs") struct CostTests {
  private func cost(_ bits: Int, batch: Int = 3) throws -> Cost {
    var macro = Macro()
    (macro.input.bits, macro.output.bits) = (bits, bits)
    var context = ForwardContext(random: RandomStream(seed: 1))
    let w: Tensor<Float> = try context.random.uniform([64, 32], in: -1...1)
    let x: Tensor<Float> = try context.random.uniform([batch, 64], in: -1...1)
    let bar = try Crossbar(weights: w, macro: macro, device: RRAM(), in: &context)
    context.activity = Activity()
    _ = try bar.apply(x, in: &context)
    return ComponentLibrary().cost(of: context.activity, inventory: bar.inventory)
  }

  @Test("energy, latency and area grow with bits; ideal converters cost nothing")
  func bits() throws {
    let costs = try [4, 8, 12].map { try cost($0) }
    for (coarse, fine) in zip(costs, costs.dropFirst()) {
      #expect(coarse.energy_J < fine.energy_J && coarse.latency_s < fine.latency_s && coarse.area_mm2 < fine.area_mm2)
    }
    let ideal = try cost(0)
    #expect(
      ideal.lines.filter { $0.part == .outputConverter || $0.part == .inputConverter }.allSatisfy { $0.energy_J == 0 })
  }

  @Test("every line is its count times its figure: converters of 6 bits by hand")
  func byHand() throws {
    let found = try cost(6)
    func line(_ part: Part, _ event: Event) throws -> Cost.Line {
      try #require(found.lines.first { $0.part == part && $0.event == event })
    }
    // 3 vectors of 32 outputs, 2 pJ at 8 bits, half as much for each bit less; eight in turn, 1 ns at 8 bits in proportion.
    #expect(abs(try line(.outputConverter, .conversion).energy_J - 96 * 0.5e-12) < 1e-18)
    #expect(abs(try line(.outputConverter, .turn).latency_s - 24 * 0.75e-9) < 1e-15)
    #expect(abs(try line(.inputConverter, .conversion).energy_J - 192 * 0.375e-12) < 1e-18)
    #expect(abs(try line(.array, .step).latency_s - 30e-9) < 1e-15)
    #expect(abs(found.energy_J - found.lines.reduce(0) { $0 + $1.energy_J }) < 1e-18)
    #expect(found.lines.allSatisfy { !$0.source.isEmpty })
  }

  @Test("what no component is known for is named and not lost")
  func uncharged() {
    var ledger = Activity()
    ledger.add("laser", "pulse of light", 3)
    #expect(ComponentLibrary().cost(of: ledger).uncharged == ["laser: pulse of light"])
  }

  @Test("programming and operation are apart, and add up")
  func programming() throws {
    var context = ForwardContext()
    let bar = try Crossbar(weights: .ones([4, 4]), macro: Macro(), device: RRAM(), in: &context)
    _ = try bar.apply(.ones([1, 4]), in: &context)
    let ledger = context.activity
    #expect(ledger.programming + ledger.operation == ledger)
    // 32 cells, ten pulses of 11 pJ; eight columns, ten pulses of 100 ns.
    let cost = ComponentLibrary().cost(of: ledger.programming)
    #expect(abs(cost.energy_J / (32 * 10 * 11e-12) - 1) < 1e-9 && abs(cost.latency_s / 8e-6 - 1) < 1e-9)
  }

  @Test("logic is charged at its width: an 8-bit product costs a twentieth of a floating-point one")
  func widths() {
    var ledger = Activity()
    ledger.add(.floatLogic, .multiplyAccumulate, 100, bits: 32)
    ledger.add(.memory, .byte, 400)
    let library = ComponentLibrary()
    let (float, integer) = (library.cost(of: ledger), library.cost(of: ledger.charged(at: 8)))
    #expect(abs(float.energy_J - (100 * 4.6e-12 + 400 * 1.25e-12)) < 1e-18)
    #expect(abs(integer.energy_J - (100 * 0.23e-12 + 100 * 1.25e-12)) < 1e-18)
    #expect(ledger.charged(at: 32) == ledger)
  }

  @Test("a figure that the configuration changes has the configuration as its source; wrong ones are refused")
  func given() throws {
    let tree = try ConfigurationValue(encoding: ComponentLibrary())
    let changed = try tree.setting("pulse.energy_J=1e-12").decoded(ComponentLibrary.self)
    #expect(changed.components["pulse"]?.mark == .given && changed.components["memoryByte"]?.mark == .known)
    let unknown = try #require(throws: ConfigurationError.self) { try tree.setting("outputConversoin.energy_J=1") }
    #expect(unknown.description.contains("`outputConversion`"))
    let negative = try tree.setting("pulse.energy_J=-1e-12").decoded(ComponentLibrary.self)
    #expect(throws: ConfigurationError.self) { try negative.validate() }
  }

  @Test("parts beside logic share the time among their copies, logic does not")
  func sideBySide() throws {
    var ledger = Activity()
    ledger.add(.cell, .turn, 100, bits: 8)
    ledger.add(.floatLogic, .multiplyAccumulate, 1000, bits: 32)
    var logic = Activity()
    logic.add(.floatLogic, .multiplyAccumulate, 1000, bits: 32)
    let choice = SubstrateChoice(.analog)
    let (one, four) = (choice.latency(of: ledger), choice.latency(of: ledger, copies: 4))
    let own = choice.cost(of: logic).latency_s
    #expect(one == choice.cost(of: ledger).latency_s && own > 0)
    #expect(abs((four - own) - (one - own) / 4) < 1e-12 * one)
  }
}
