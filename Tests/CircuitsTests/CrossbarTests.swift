import Circuits
import Devices
import Foundation
import Substrates
import Tensors
import Testing

/// Shared by the tests of arrays.
enum Arrays {
  static let mappings: [any WeightMapping] = [
    DifferentialMapping(), middle, OffsetMapping(), UnitColumnMapping(),
  ]

  static var middle: DifferentialMapping {
    var mapping = DifferentialMapping()
    mapping.reference = .middle
    return mapping
  }

  /// Ideal converters.
  static func macro(_ mapping: any WeightMapping = DifferentialMapping()) -> Macro {
    var macro = Macro()
    macro.mapping = MappingChoice(mapping)
    (macro.input.bits, macro.output.bits) = (0, 0)
    return macro
  }

  static func random(_ shape: [Int], _ name: String) throws -> Tensor<Float> {
    var stream = RandomStream(seed: 11).split(name)
    return try stream.uniform(shape, in: -1...1)
  }

  static func crossbar(
    _ w: Tensor<Float>, _ macro: Macro, _ device: any DeviceModel = IdealDevice(), seed: UInt64 = 1
  ) throws -> (Crossbar, ForwardContext) {
    var context = ForwardContext(random: RandomStream(seed: seed))
    let bar = try Crossbar(weights: w, macro: macro, device: device, in: &context)
    return (bar, context)
  }

  static func difference(_ a: Tensor<Float>, _ b: Tensor<Float>) throws -> Float {
    try (a - b).magnitude().max().item()
  }
}

@Suite("Crossbar") struct CrossbarTests {
  private typealias A = Arrays

  @Test("ideal cells and converters give the exact product with every mapping, on one array or many", arguments: 0..<4)
  func exact(mapping: Int) throws {
    let (w, x) = (try A.random([70, 50], "w"), try A.random([9, 70], "x"))
    let expected = try matmul(x, w)
    let each = mapping < 2 ? 2 : 1
    for (rows, columns) in [(128, 128), (32, 20), (1, 2)] {
      var macro = A.macro(A.mappings[mapping])
      (macro.rows, macro.columns) = (rows, columns)
      var (bar, context) = try A.crossbar(w, macro)
      #expect(bar.arrays == ((70 + rows - 1) / rows) * ((50 + columns / each - 1) / (columns / each)))
      // Conductances are differences of numbers near 1e-4 S in single precision: 6e-8 relative, over 70 terms, doubled by
      // mappings that subtract the middle.
      #expect(try A.difference(bar.apply(x, in: &context), expected) < 2e-4)
      #expect(try A.difference(bar.readBack(in: &context), w) < 1e-5)
    }
  }

  @Test("bit slices give the product with weights rounded to their bits")
  func slices() throws {
    let (w, x) = (try A.random([40, 12], "w"), try A.random([9, 40], "x"))
    for (bits, each) in [(8, 2), (5, 1), (4, 3)] {
      var mapping = BitSliceMapping()
      (mapping.bits, mapping.bitsPerCell) = (bits, each)
      mapping.scaling.over = .matrix
      var macro = A.macro(mapping)
      macro.columns = 64
      var (bar, context) = try A.crossbar(w, macro)
      let rounded = try Quantiser(bits: bits).rounded(w, range: w.magnitude().max())
      #expect(try A.difference(bar.apply(x, in: &context), matmul(x, rounded)) < 2e-4)
      #expect(context.activity.total(.outputConverter, .conversion) == Double(9 * 12 * ((bits - 1 + each - 1) / each)))
    }
  }

  @Test("ternary weights stay as they are, others go to the nearest with the scale of their column")
  func ternary() throws {
    let w = try Tensor<Float>([[0.5, 2, 0], [-0.5, 0, 0], [0, -2, 0]])
    var (bar, context) = try A.crossbar(w, A.macro(TernaryMapping()))
    #expect(try A.difference(bar.readBack(in: &context), w) < 1e-6)
    let mixed = try Tensor<Float>([[1, 0.1], [0.8, 0.1], [-0.1, 0.1], [0.05, 0.1]])
    (bar, context) = try A.crossbar(mixed, A.macro(TernaryMapping()))
    // Column 1: mean magnitude 0.4875, above 0.34 are 1 and 0.8, whose mean is 0.9.
    let expected = try Tensor<Float>([[0.9, 0.1], [0.9, 0.1], [0, 0.1], [0, 0.1]])
    #expect(try A.difference(bar.readBack(in: &context), expected) < 1e-6)
  }

  @Test("from the columns the same cells give the product with the transpose", arguments: [0, 1])
  func columns(mapping: Int) throws {
    let (w, x) = (try A.random([70, 50], "w"), try A.random([9, 50], "y"))
    var macro = A.macro(A.mappings[mapping])
    (macro.rows, macro.columns) = (32, 40)
    var (bar, context) = try A.crossbar(w, macro)
    #expect(try A.difference(bar.apply(x, from: .columns, in: &context), matmul(x, w, transposingB: true)) < 2e-4)
    (bar, context) = try A.crossbar(w, A.macro(OffsetMapping()))
    #expect(throws: CircuitError.self) { try bar.apply(x, from: .columns, in: &context) }
  }

  @Test("a tile of zeros, a matrix of zeros, one row, an outlier: finite, and right", arguments: [0, 1, 2, 8])
  func corners(bits: Int) throws {
    let x = try A.random([5, 300], "x")
    var w = try A.random([300, 6], "w")
    w = try Tensor.concatenate([.zeros([128, 6]), w.slice(128..<300)], axis: 0)
    var macro = Macro()
    (macro.input.bits, macro.output.bits) = (bits, bits)
    for zero in [w, try .zeros([300, 6])] {
      var (bar, context) = try A.crossbar(zero, macro)
      let y = try bar.apply(x, in: &context)
      #expect(y.elements.allSatisfy { $0.isFinite })
      if bits == 8 { #expect(try A.difference(y, matmul(x, zero)) < 0.5) }
      try bar.calibrate(x, from: .rows, in: &context)
      #expect(try bar.apply(.zeros([2, 300]), in: &context).elements.allSatisfy { bits == 1 || $0 == 0 })
    }
    var (bar, context) = try A.crossbar(Tensor([[0.5, -1, 0]]), macro)
    #expect(try bar.apply(Tensor([[2]]), in: &context).elements.allSatisfy { $0.isFinite })
    // One outlier spoils its own column and no other.
    let outlier = try Tensor.concatenate([Tensor([[1e6, 0, 0, 0, 0, 0]]), A.random([299, 6], "o")], axis: 0)
    (bar, context) = try A.crossbar(outlier, A.macro())
    let found = try bar.readBack(in: &context)
    #expect(try A.difference(found.slice(1..<6, axis: 1), outlier.slice(1..<6, axis: 1)) < 1e-5)
    #expect(abs(found.elements[0] / 1e6 - 1) < 1e-5)
  }

  @Test("above a percentile weights are clipped, and the rest keeps its digits")
  func percentile() throws {
    var mapping = DifferentialMapping()
    mapping.scaling.percentile = 99
    var w = try A.random([200, 2], "w").elements
    w[0] = 1000
    let (bar, initial) = try A.crossbar(Tensor(w, shape: [200, 2]), A.macro(mapping))
    var context = initial
    let found = try bar.readBack(in: &context).elements
    #expect(found[0] < 1.01)
    let kept = (2..<400).filter { abs(w[$0]) < 0.95 }
    #expect(kept.allSatisfy { abs(found[$0] - w[$0]) < 1e-5 })
  }

  @Test("without a margin the low end shrinks every weight by 0.4 deviations; with it, or from the middle, it does not")
  func margin() throws {
    let n = 20_000
    let w = try Tensor<Float>(repeating: 0.5, shape: [n, 1])
    var device = RRAM().withoutFaults
    device.writeResidue = 0.01
    func shrinkage(_ mapping: DifferentialMapping) throws -> Float {
      var own = mapping
      own.scaling.over = .matrix
      // A second column with the largest weight, so that 0.5 lies inside the window.
      let both = try Tensor.concatenate([w, .ones([n, 1])], axis: 1)
      var macro = A.macro(own)
      macro.rows = n
      var (bar, context) = try A.crossbar(both, macro, device)
      return try 0.5 - bar.readBack(in: &context).slice(0..<1, axis: 1).mean().item()
    }
    var bare = DifferentialMapping()
    bare.margin = 0
    // E[max(0, ε)] = 1/√(2π) = 0.399 of σ = 1 %; the mean errs by σ√2/√n = 1e-4, four of them.
    #expect(abs(try shrinkage(bare) - 0.00399) < 4e-4)
    #expect(abs(try shrinkage(DifferentialMapping())) < 4e-4)
    bare.reference = .middle
    #expect(abs(try shrinkage(bare)) < 4e-4)
  }

  @Test("programming errors have their spread, read noise too, and both average out")
  func noise() throws {
    let (w, x) = (try A.random([100, 60], "w"), try A.random([400, 100], "x"))
    var device = RRAM().withoutFaults
    (device.lowest_S, device.highest_S, device.writeResidue) = (50e-6, 150e-6, 0.01)
    var macro = A.macro()
    var mapping = DifferentialMapping()
    mapping.scaling.over = .matrix
    macro.mapping = MappingChoice(mapping)
    let exact = try matmul(x, w)
    var (bar, context) = try A.crossbar(w, macro, device, seed: 5)
    let error = try bar.apply(x, in: &context) - exact
    let found = try error.squared().mean().item()
    // Two cells err by σ of the window, whose 94 % stand for the largest weight (margins of 3 % at both ends).
    let largest = try w.magnitude().max().item()
    let expected = try 2 * 0.01 * 0.01 / (0.94 * 0.94) * largest * largest * x.squared().sum(axes: [1]).mean().item()
    // 60 columns of 100 independent pairs: relative error of the variance about √(2/6000) = 1.8 %; four of them.
    #expect(abs(found / expected - 1) < 0.08)

    (device.writeResidue, device.readNoise) = (0, 0.02)
    (bar, context) = try A.crossbar(w, macro, device, seed: 5)
    let (first, second) = (try bar.apply(x, in: &context), try bar.apply(x, in: &context))
    #expect(first != second)
    // Var = Σ x²·σ²(G⁺² + G⁻²)/unit², times w_max²; computed here from the same conductances.
    let (low, unit): (Float, Float) = (53e-6, 94e-6)
    let g = try w.magnitude() * (unit / largest) + low
    let variance = try matmul(
      x.squared(), (g.squared() + low * low) * (0.02 * 0.02 * largest * largest / (unit * unit)))
    // 24,000 draws: √(2/24000) = 0.9 %, four of them.
    #expect(abs(try ((first - exact).squared().mean() / variance.mean()).item() - 1) < 0.04)
  }

  @Test("no two arrays, polarities or tiles share a stream, and the same seed gives the same bits at any thread count")
  func streams() throws {
    let w = try Tensor<Float>.zeros([64, 8])
    var device = RRAM().withoutFaults
    device.writeResidue = 0.01
    var macro = A.macro(A.middle)
    (macro.rows, macro.columns) = (32, 8)
    func stored(_ threads: Int) throws -> [[Float]] {
      try Parallelism.withThreads(threads) {
        var context = ForwardContext(random: RandomStream(seed: 3))
        let bars = try (0..<2).map { _ in try Crossbar(weights: w, macro: macro, device: device, in: &context) }
        return try bars.map { try $0.readBack(in: &context).elements }
      }
    }
    let found = try stored(1)
    #expect(try stored(2) == found)
    // Tiles of 32 × 4 of both arrays, as vectors: no two are alike.
    var tiles: [[Float]] = []
    for bar in found {
      for row in [0, 32] {
        for column in [0, 4] {
          let part = try Tensor(bar, shape: [64, 8]).slice(row..<row + 32).slice(column..<column + 4, axis: 1)
          tiles.append(part.elements)
        }
      }
    }
    for i in tiles.indices {
      for j in 0..<i {
        let (a, b) = (try Tensor(tiles[i]), try Tensor(tiles[j]))
        let correlation = try (a * b).sum().item() / (a.norm().item() * b.norm().item())
        // Correlation of 128 independent pairs: 0.088, five of them over 28 pairs of tiles.
        #expect(abs(correlation) < 0.44)
      }
    }
    // If both cells of a pair had the same errors, they would cancel.
    #expect(found[0].contains { abs($0) > 1e-4 })
  }

  @Test("settings that no circuit has and weights that are no numbers are refused by name")
  func refusals() throws {
    var macro = Macro()
    macro.columns = 1
    let error = try #require(throws: CircuitError.self) { try Analog(macro) }
    #expect(error.description.contains("columns"))
    for bits in [-1, 31] {
      macro = Macro()
      macro.output.bits = bits
      #expect(throws: CircuitError.invalidSetting("output.bits", found: "\(bits)", expected: "0 (ideal) to 30")) {
        try Analog(macro)
      }
    }
    var context = ForwardContext()
    for bad in [Float.nan, .infinity] {
      #expect(throws: CircuitError.weightsNotFinite) {
        try Crossbar(weights: Tensor([[bad, 1]]), macro: Macro(), device: RRAM(), in: &context)
      }
    }
    let bar = try Crossbar(weights: Tensor([[1, 1]]), macro: Macro(), device: RRAM(), in: &context)
    #expect(throws: TensorError.self) { try bar.apply(Tensor([[Float.nan]]), in: &context) }
    #expect(throws: TensorError.self) { try bar.apply(Tensor([[1, 2]]), in: &context) }
  }
}
