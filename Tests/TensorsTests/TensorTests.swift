import Foundation
import Networks
import Tensors
import Testing

@Suite("Tensors as values") struct TensorTests {
  @Test("a copy keeps its numbers when the original changes")
  func valueSemantics() throws {
    var a = try Tensor<Float>([1, 2, 3])
    let b = a
    let reshaped = try a.reshaped([3, 1])
    try a.updateElements { $0[0] = 9 }
    try a.add(Tensor([1, 1, 1]), scaledBy: 2)
    #expect(a.elements == [11, 4, 5])
    #expect(b.elements == [1, 2, 3])
    #expect(reshaped.elements == [1, 2, 3])
  }

  @Test("results do not show how numbers lie in memory")
  func layouts() throws {
    var random = RandomStream(seed: 2)
    let x: Tensor<Float> = try random.normal([2, 3, 4, 5])
    let w: Tensor<Float> = try random.normal([6, 3, 1, 1])
    // A convolution leaves its result with the channels last; a product of the same numbers does not.
    let y = try convolution(x, w)
    let z = try matmul(w.reshaped([6, 3]), x.reshaped([2, 3, 20])).reshaped([2, 6, 4, 5])
    // Three products each, in the same precision.
    #expect(try (y - z).magnitude().max().item() <= 1e-5)
    #expect(try (y + z - z * 2).magnitude().max().item() <= 1e-5)
    #expect(try (y.sum(axes: [1]) - z.sum(axes: [1])).magnitude().max().item() <= 1e-5)
    #expect(try (y.permuted([1, 0, 3, 2]) - z.permuted([1, 0, 3, 2])).magnitude().max().item() <= 1e-5)
    #expect(try (y.reshaped([2, 120]) - z.reshaped([2, 120])).magnitude().max().item() <= 1e-5)
    #expect(try (relu(y).slice(1..<3, axis: 2) - relu(z).slice(1..<3, axis: 2)).magnitude().max().item() <= 1e-5)
    #expect(try (y.softmax(axis: 1) - z.softmax(axis: 1)).magnitude().max().item() <= 1e-5)
    #expect(
      try (Tensor.concatenate([y, z], axis: 1) - Tensor.concatenate([z, y], axis: 1)).magnitude().max().item() <= 1e-5)
    #expect(zip(y.elements, z.elements).allSatisfy { ($0 - $1).magnitude <= 1e-5 })
    #expect(try (y + 1 - (z + Tensor<Float>(1))).magnitude().max().item() <= 1e-5)
  }

  @Test("large elementwise work on two threads equals that on one")
  func threads() throws {
    var random = RandomStream(seed: 3)
    let x: Tensor<Float> = try random.normal([300, 401])
    let row: Tensor<Float> = try random.normal([401])
    func run() throws -> [Tensor<Float>] {
      try [x * row, exp(x), x.softmax(), x.sum(axes: [0]), x.sum(axes: [1]), x.rowNormalised(), x.transposed()]
    }
    #expect(try Parallelism.withThreads(1) { try run() } == Parallelism.withThreads(2) { try run() })
  }

  @Test("our loops, OpenBLAS, LAPACK and oneDNN share one pool: no more threads than cores are added")
  func onePool() async {
    await #expect(processExitsWith: .success) {
      func threads() throws -> Int { try FileManager.default.contentsOfDirectory(atPath: "/proc/self/task").count }
      var random = RandomStream(seed: 1)
      let before = try threads()
      let x: Tensor<Float> = try random.normal([500, 500])
      let d: Tensor<Double> = try random.normal([500, 500])
      _ = try exp(x)
      _ = try matmul(x, x)
      _ = try matmul(d, d)
      _ = try solve(d, d)
      _ = try convolution(x.reshaped([1, 10, 100, 250]), random.normal([20, 10, 3, 3]))
      let added = try threads() - before
      try #require(added <= ProcessInfo.processInfo.activeProcessorCount - 1)
    }
  }

  @Test("non-finite numbers come through as IEEE says")
  func nonFinite() throws {
    let x = try Tensor<Float>([.infinity, -.infinity, .nan, 0, -0, 1e38, -1e38])
    #expect(try exp(x).elements[0] == .infinity)
    #expect(try exp(x).elements[1] == 0)
    #expect(try exp(x).elements[2].isNaN)
    #expect(try log(x).elements[3] == -.infinity)
    #expect(try tanh(x).elements[0..<2] == [1, -1])
    #expect(try relu(x).elements[2].isNaN)
    #expect(try sigmoid(x).elements[5...] == [1, 0])
    #expect(try x.max().item().isNaN)
    #expect(try Tensor<Float>([.infinity, 1]).softmax().elements[0].isNaN)
    #expect(try Tensor<Float>([-.infinity, 1]).softmax().elements == [0, 1])
    #expect(!x.isFinite)
  }

  // Single-precision elementary functions are made of polynomials that promise two units in the last
  // place, three for tanh.
  @Test("elementary functions are within their units in the last place over their range")
  func accuracy() throws {
    let x = (0..<40_000).map { Float($0 - 20_000) / 230 }
    func check(
      _ name: String, _ found: Tensor<Float>, _ exact: (Double) -> Double, from arguments: [Float], units: Double = 2
    ) {
      for (v, f) in zip(arguments, found.elements) {
        let e = exact(Double(v))
        if e.magnitude < 1.2e-38 { continue }
        #expect((Double(f) - e).magnitude <= units * Double(Float(e).ulp), "\(name)(\(v)) = \(f), exactly \(e)")
      }
    }
    let t = try Tensor<Float>(x)
    let positive = x.map { Foundation.exp($0 / 2) }
    check("exp", try exp(t), Foundation.exp, from: x)
    check("tanh", try tanh(t), Foundation.tanh, from: x, units: 3)
    check("log", try log(Tensor(positive)), Foundation.log, from: positive)
  }

  @Test("empty tensors are allowed where they mean something")
  func empty() throws {
    let none = try Tensor<Float>.zeros([0, 3])
    #expect(try none.sum(axes: [0]).elements == [0, 0, 0])
    #expect(try matmul(none, .zeros([3, 2])).shape == [0, 2])
    #expect(try matmul(Tensor<Float>.zeros([2, 0]), .zeros([0, 2])).elements == [0, 0, 0, 0])
    #expect(try Tensor.concatenate([none, .ones([1, 3])]).elements == [1, 1, 1])
    #expect(try exp(none).count == 0)
  }

  @Test("tensors are coded with their shape")
  func coding() throws {
    let x = try Tensor<Double>([[1, 2], [3, 4]])
    #expect(try JSONDecoder().decode(Tensor<Double>.self, from: JSONEncoder().encode(x)) == x)
    #expect(throws: TensorError.self) {
      try JSONDecoder().decode(Tensor<Double>.self, from: Data(#"{"shape": [3], "elements": [1]}"#.utf8))
    }
  }

  @Test("sorting is stable and puts NaN last")
  func sorting() throws {
    let x = try Tensor<Float>([2, .nan, 1, 2, -1])
    let (values, indices) = try x.sorted(descending: true)
    #expect(indices.elements == [0, 3, 2, 4, 1])
    #expect(values.elements[0..<4] == [2, 2, 1, -1])
    #expect(try x.sorted().indices.elements == [4, 2, 0, 3, 1])
  }
}

@Suite("Sparse matrices") struct SparseTests {
  private func random(_ n: Int) throws -> (SparseMatrix<Double>, Tensor<Double>) {
    var random = RandomStream(seed: 5)
    let dense: Tensor<Double> = try random.normal([n, n])
    let mask = try random.bernoulli(Tensor<Double>(repeating: 0.1, shape: [n, n]))
    let kept = try dense * mask + Tensor.identity(n) * 4
    return (try SparseMatrix(dense: kept), kept)
  }

  @Test("triplets at the same place add up; rows and columns exchange")
  func construction() throws {
    let a = try SparseMatrix<Float>(
      rows: 2, columns: 3, rowIndices: [1, 0, 1], columnIndices: [2, 0, 2], values: [1, 5, 2])
    #expect(try a.dense().elements == [5, 0, 0, 0, 0, 3])
    #expect(a.storedCount == 2)
    #expect(
      try a.transposed().dense().elements
        == [5, 0, 0, 0, 0, 3].enumerated().map { i, _ in [5, 0, 0, 0, 0, 3][i % 2 * 3 + i / 2] })
  }

  @Test("compressed rows are taken as SciPy holds them, and checked")
  func compressedRows() throws {
    let a = try SparseMatrix<Float>(columns: 3, rowStarts: [0, 2, 2, 3], columnIndices: [2, 0, 1], values: [1, 2, 3])
    #expect(try a.dense().elements == [2, 0, 1, 0, 0, 0, 0, 3, 0])
    for starts in [[0, 2, 1, 3], [0, 2], [1, 2, 3], []] {
      #expect(throws: TensorError.self) {
        try SparseMatrix<Float>(columns: 3, rowStarts: starts, columnIndices: [2, 0, 1], values: [1, 2, 3])
      }
    }
  }

  @Test("products and solutions are those of the dense matrix")
  func againstDense() throws {
    let (a, dense) = try random(40)
    var random = RandomStream(seed: 6)
    let b: Tensor<Double> = try random.normal([40, 3])
    // Forty terms in double precision; the diagonal keeps the condition number near ten.
    #expect(try (matmul(a, b) - matmul(dense, b)).magnitude().max().item() <= 1e-12)
    #expect(try (SparseFactors(a).solve(b) - solve(dense, b)).magnitude().max().item() <= 1e-12)
    let (_, slow) = try valueAndGradient(at: b) { try solve(dense, $0).squared().sum() }
    let (_, fast) = try valueAndGradient(at: b) { try SparseFactors(a).solve($0).squared().sum() }
    #expect(try (slow - fast).magnitude().max().item() <= 1e-12)
  }

  @Test("wires of an array: currents at every node add up, whatever the right side", arguments: [1, 4, 5])
  func wires(columns: Int) throws {
    var random = RandomStream(seed: 8)
    let a = try Self.array(20, using: &random)
    let b: Tensor<Double> = try random.normal([a.rows, columns])
    let x = try SparseFactors(a).solve(b)
    // Elements of size 1 and solutions up to 1e5: 64 roundings of their products.
    #expect(try (matmul(a, x) - b).magnitude().max().item() <= 64 * x.magnitude().max().item() * .ulpOfOne)
    let alone = try SparseFactors(a).solve(b.slice(0..<1, axis: 1))
    #expect(try (alone - x.slice(0..<1, axis: 1)).magnitude().max().item() <= 1e-9 * x.magnitude().max().item())
  }

  /// Conductances between nodes of an n × n array whose rows and columns are wires, one cell between each pair.
  private static func array(_ n: Int, using random: inout RandomStream) throws -> SparseMatrix<Double> {
    let cells: [Double] = try random.uniform([n * n], in: 1e-6...40e-6).elements
    var triplets: [(row: Int, column: Int, value: Double)] = []
    func connect(_ a: Int, _ b: Int, _ g: Double) { triplets += [(a, a, g), (b, b, g), (a, b, -g), (b, a, -g)] }
    for i in 0..<n {
      for j in 0..<n {
        let (row, column) = (i * n + j, n * n + i * n + j)
        connect(row, column, cells[row])
        if j + 1 < n { connect(row, row + 1, 0.4) } else { triplets.append((row, row, 0.01)) }
        if i + 1 < n { connect(column, column + n, 0.4) } else { triplets.append((column, column, 0.01)) }
      }
    }
    return try SparseMatrix(
      rows: 2 * n * n, columns: 2 * n * n, rowIndices: triplets.map(\.row), columnIndices: triplets.map(\.column),
      values: triplets.map(\.value))
  }

  @Test("a matrix without large diagonal is solved to the last digits, from both sides")
  func weakDiagonal() throws {
    var random = RandomStream(seed: 9)
    let n = 400
    let dense: Tensor<Double> = try random.normal([n, n])
    let mask = try random.bernoulli(Tensor<Double>(repeating: 0.02, shape: [n, n]))
    let kept = try dense * mask + Tensor.identity(n) * 1e-3
    let factors = try SparseFactors(SparseMatrix(dense: kept))
    let b: Tensor<Double> = try random.normal([n])
    let x = try factors.solve(b)
    let (_, y) = try valueAndGradient(at: b) { try factors.solve($0).squared().sum() }
    // Componentwise backward error of refined solutions: 64 roundings.
    func check(_ a: Tensor<Double>, _ x: Tensor<Double>, _ b: Tensor<Double>) throws {
      let size = try matmul(a.magnitude(), x.magnitude()) + b.magnitude()
      #expect(try ((matmul(a, x) - b).magnitude() / size).max().item() <= 64 * .ulpOfOne)
    }
    try check(kept, x, b)
    try check(kept.transposed(), y, x * 2)
  }

  @Test("threads that solve with the same factors do not disturb each other")
  func threads() async throws {
    var random = RandomStream(seed: 10)
    let factors = try SparseFactors(Self.array(10, using: &random))
    let b: Tensor<Double> = try random.normal([200, 3])
    let alone = try factors.solve(b)
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for _ in 0..<8 { group.addTask { try factors.solve(b) == alone } }
      for try await same in group { #expect(same) }
    }
  }

  @Test("gradients flow to the stored values")
  func valueGradients() throws {
    let (a, dense) = try random(12)
    var random = RandomStream(seed: 7)
    let x: Tensor<Double> = try random.normal([12, 2])
    let (_, sparse) = try valueAndGradient(at: a.values) { try matmul(a.with(values: $0), x).squared().sum() }
    let (_, full) = try valueAndGradient(at: dense) { try matmul($0, x).squared().sum() }
    // The dense gradient at the stored places, row by row.
    let places = dense.elements.indices.filter { dense.elements[$0] != 0 }
    for (found, place) in zip(sparse.elements, places) { #expect((found - full.elements[place]).magnitude <= 1e-11) }
  }
}
