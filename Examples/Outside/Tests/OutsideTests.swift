import Chips
import Circuits
import Devices
import Foundation
import Networks
import Reports
import Runs
import Settings
import Studies
import Substrates
import Tensors
import Testing

/// What lies in Examples/Outside, compiled a second time: there it is a package of its own, as a user has it.
@Suite("Additions from outside") struct OutsideTests {
  /// What `Kirchhoff.start` does with its arguments, once.
  private static let added: Void = {
    DeviceChoice.add(TunnelGap.self)
    MappingChoice.add(ParallelPairs.self)
    ComponentLibrary.add(OffChipMemory.component)
    SystemList.add([Hopfield.self])
    SystemList.add([Deployment.self], commands: true)
  }()

  init() { Self.added }

  private func written(_ device: TunnelGap, to target: Float, count: Int = 1) throws -> any CellArray {
    var random = RandomStream(seed: 4)
    var cells = try device.cells([count], using: &random)
    _ = try cells.write(Tensor(repeating: target, shape: [count]), at: 0, using: &random)
    return cells
  }

  // MARK: The device

  @Test("currents follow the published law, whatever its parameters")
  func law() throws {
    for (contact, decay, curvature) in [(4e-3, 0.25, 4), (1e-3, 0.4, 10)] as [(Double, Double, Double)] {
      var device = TunnelGap().withoutFaults
      (device.contact_S, device.decay_nm, device.curvature_perV) = (Float(contact), Float(decay), Float(curvature))
      // The gap at which a cell of that law has 20 µS.
      let gap = -decay * log(20e-6 / contact)
      for volts in [-0.3, 0.01, 0.2] {
        let current = try written(device, to: 20e-6).current(Tensor(Float(volts)), at: 0).item()
        let expected = contact * exp(-gap / decay) * sinh(curvature * volts) / curvature
        // Single precision keeps seven digits; exponent and logarithm lose one.
        #expect(abs(Double(current) / expected - 1) < 1e-5)
      }
    }
  }

  @Test("smallest and largest gap bound what writing reaches")
  func gaps() throws {
    var device = TunnelGap().withoutFaults
    (device.smallest_nm, device.largest_nm) = (1, 1.5)
    for (target, gap) in [(1, 1.0), (0, 1.5)] as [(Float, Double)] {
      let found = Double(try written(device, to: target).conductance(at: 0).item())
      #expect(abs(found / (4e-3 * exp(-gap / 0.25)) - 1) < 1e-5)
      #expect(device.window.contains(Float(found * (target == 1 ? 0.9999 : 1.0001))))
    }
  }

  @Test("an error of the gap makes conductances log-normal, with a spread of error over decay")
  func gapError() throws {
    var device = TunnelGap()
    (device.gapError_nm, device.decay_nm, device.contact_S) = (0.02, 0.2, 4e-3)
    let count = 40_000
    let logs = try log(written(device, to: 20e-6, count: count).conductance(at: 0))
    // Standard errors of deviation and mean: σ/√(2n) and σ/√n, four of each.
    let (spread, mean) = (try logs.variance().squareRoot().item(), try logs.mean().item())
    #expect(abs(spread / 0.1 - 1) < 4 / Float(2 * count).squareRoot())
    #expect(abs(mean - Foundation.log(20e-6)) < 4 * 0.1 / Float(count).squareRoot())
    device.gapError_nm = 0
    #expect(abs(try written(device, to: 20e-6).conductance(at: 0).item() / 20e-6 - 1) < 1e-5)
  }

  @Test("wrong parameters are refused by their keys, and pulses, of which nothing is known")
  func refused() throws {
    for assignment in [
      "contact_S=0", "decay_nm=-1", "curvature_perV=41", "smallest_nm=-0.1", "largest_nm=0.5", "gapError_nm=-1",
    ] {
      let key = "substrate.device." + assignment.split(separator: "=")[0]
      let error = try #require(throws: ConfigurationError.self) {
        try SubstrateChoice(.analog).setting("device.kind=tunnel-gap").setting("device.\(assignment)")
      }
      #expect(error.description.contains(key))
    }
    var cells = try written(TunnelGap(), to: 20e-6)
    var random = RandomStream(seed: 1)
    #expect(throws: DeviceError.notPulsed(kind: "tunnel-gap")) { try cells.pulse(Tensor([1]), at: 0, using: &random) }
  }

  @Test("a network runs on the device by its word, and both of its faults are found")
  func deploys() throws {
    try withFolder { folder in
      var random = RandomStream(seed: 2)
      let data = "\(folder)/noise.npz"
      try NumPy.write(
        ["x": .float(random.uniform([20, 28, 28], in: 0...1)), "y": .int32(Tensor((0..<20).map { Int32($0 % 10) }))],
        toArchive: data)
      let substrate = try SubstrateChoice(.analog).setting("device.kind=tunnel-gap")
      let model = "\(project)/Examples/digits.onnx"
      func report(_ substrate: SubstrateChoice) throws -> Report {
        let system = try SystemList.named("deploy")
        let specification = try RunSpecification(
          system.keys, assignments: ["model=\(model)", "data=\(data)", "substrate.kind=analog"])
        return try system.run(specification.configuration, RunContext(seed: 5, substrate: substrate))
      }
      let found = try report(substrate)
      #expect(found.figures.contains { $0.name == "analog accuracy" })
      // Half of a nanometre multiplies every current by a random number that is often above 7 or below 1/7.
      let coarse = try report(substrate.setting("device.gapError_nm=0.5"))
      func same(_ report: Report) throws -> Double {
        try #require(report.figures.first { $0.name == "same answer as exact" }).value
      }
      #expect(try same(coarse) < same(found))
      #expect(try substrate.eachFaultAlone.map(\.name).starts(with: ["gap error", "curved current"]))
    }
  }

  // MARK: The mapping

  @Test("pairs in parallel hold a weight, and average the errors of writing", arguments: [1, 2, 8])
  func pairs(count: Int) throws {
    var device = RRAM().withoutFaults
    device.writeResidue = 0.01
    let choice = try SubstrateChoice(.analog).setting("macro.mapping.kind=parallel-pairs").setting(
      "macro.mapping.pairs=\(count)")
    var forward = ForwardContext(random: RandomStream(seed: 6))
    let weights = try Tensor<Float>(repeating: 0.5, shape: [200, 200])
    let matrix = try Analog(choice.macro, device: device).matrix(weights, in: &forward)
    let errors = try matrix.readBack(in: &forward) * 2 - 1
    // Both cells of a pair have an error of 1 % of the window, of which a full weight takes 94 %; half of the cells lie
    // three deviations from the end that clips them. Four standard errors of the spread of 40,000 weights are 1.4 %.
    let expected = 0.01 * Float(2).squareRoot() / 0.94 / Float(count).squareRoot()
    #expect(abs(try errors.variance().squareRoot().item() / expected - 1) < 0.02)
    #expect(matrix.inventory.count(.cell) == 2 * count * weights.count)
  }

  @Test("a mapping that cannot be is refused by its key, an unknown word names those that there are")
  func refusedMapping() throws {
    let choice = try SubstrateChoice(.analog).setting("macro.mapping.kind=parallel-pairs")
    let error = try #require(throws: ConfigurationError.self) { try choice.setting("macro.mapping.pairs=0") }
    #expect(error.description.contains("substrate.macro.mapping.pairs"))
    let unknown = try #require(throws: ConfigurationError.self) { try choice.setting("macro.mapping.kind=pairs") }
    #expect(unknown.description.contains("parallel-pairs"))
  }

  // MARK: The component

  @Test("an event is charged to the component that was added for it, and its figure is a key")
  func component() throws {
    var ledger = Activity()
    ledger.add(.offChipMemory, .byte, 1000)
    let cost = SubstrateChoice().cost(of: ledger)
    #expect(cost.uncharged.isEmpty && cost.lines.map(\.component) == ["offChipByte"])
    // 1.3 nJ for 8 bytes.
    #expect(abs(cost.energy_J / 162.5e-9 - 1) < 1e-12)
    let own = try SubstrateChoice().setting("components.offChipByte.energy_J=1e-12").cost(of: ledger)
    #expect(abs(own.energy_J / 1e-9 - 1) < 1e-12 && own.lines[0].mark == .given)
  }

  // MARK: The system

  @Test("the system runs by its name on every substrate, and the same seed gives the same bits")
  func system() throws {
    let system = try SystemList.named("hopfield")
    func run(_ kind: String) throws -> Report {
      let specification = try RunSpecification(
        system.keys, scale: .smallest, seed: 3, assignments: ["substrate.kind=\(kind)", "substrate.draws=2"])
      let substrate = try specification.substrate.configuration(SubstrateChoice.self, at: "substrate")
      return try system.run(specification.configuration, RunContext(seed: 3, substrate: substrate))
    }
    for kind in ["digital", "fixed-point", "analog"] {
      let (first, second) = (try run(kind), try run(kind))
      #expect(first.figures == second.figures)
      #expect(first.outcomes.allSatisfy { $0.figure != nil } && first.charts.count == 1)
    }
    #expect(try run("analog").tables.flatMap(\.rows).contains { $0[0] == "off-chip memory, byte" })
  }

  @Test("shares of wrong bits are those of the closed form, which are the published ones")
  func recall() throws {
    let report = try Hopfield.run(Hopfield.configuration(.quick), in: RunContext())
    let configuration = Hopfield.configuration(.quick)
    for load in configuration.loads {
      let figure = try #require(report.figures.first { $0.name == RecallStudy.name(load) })
      // Four standard errors of as many independent bits, and a twentieth for networks that are finite: the variance is
      // (p − 1)/(n − 1) and not p/n.
      let expected = RecallStudy.expected(load)
      let bits = load * Double(configuration.neurons * configuration.neurons * configuration.networks)
      #expect(abs(figure.value - expected) < 4 * (expected / bits).squareRoot() + 0.05 * expected, "\(load)")
    }
    #expect(report.outcomes.allSatisfy { $0.status == .reached })
  }

  // MARK: The documentation

  @Test(
    "the code in docs/extending.md is that of the files",
    arguments: [
      "Package.swift", "main.swift", "TunnelGap/TunnelGap.swift", "ParallelPairs/ParallelPairs.swift",
      "OffChipMemory/OffChipMemory.swift", "Hopfield/Hopfield.swift",
    ])
  func documentation(path: String) throws {
    #expect(try file("../../docs/extending.md").contains("```swift\n\(file(path))```\n"))
  }

  /// What someone writes before the science begins: imports, card, configuration, scales, checks and the call of the study.
  @Test("a system needs at most 40 lines before its own science begins")
  func shell() throws {
    let lines = try file("Hopfield/Hopfield.swift").split(separator: "\n", omittingEmptySubsequences: false).count - 1
    print("a system's shell: \(lines) lines")
    #expect(lines <= 40)
  }
}

/// The project's own folder.
private let project = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent().path

private func file(_ path: String) throws -> String {
  try String(contentsOfFile: "\(project)/Examples/Outside/\(path)", encoding: .utf8)
}

private func withFolder(_ body: (String) throws -> Void) throws {
  let folder = FileManager.default.temporaryDirectory.appending(path: "outside-\(UUID())").path
  try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  defer { try? FileManager.default.removeItem(atPath: folder) }
  try body(folder)
}
