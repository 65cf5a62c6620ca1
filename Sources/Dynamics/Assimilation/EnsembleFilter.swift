import CKernels
import COpenBLAS
import Foundation
import Tensors

/// The taper of Gaspari and Cohn (1999), Eq. 4.10: near 1 at distance 0, exactly 0 from twice the half-width on.
public func gaspariCohn(_ distance: Double, halfWidth: Double) -> Double {
  let z = abs(distance) / halfWidth
  if z >= 2 { return 0 }
  if z <= 1 { return (((-0.25 * z + 0.5) * z + 0.625) * z - 5.0 / 3) * z * z + 1 }
  return ((((z / 12 - 0.5) * z + 0.625) * z + 5.0 / 3) * z - 5) * z + 4 - 2 / (3 * z)
}

/// Ensemble Kalman filters for observations of single variables with independent errors of one variance.
///
/// An ensemble has the shape `[variables, members]`. Matrix functions are Chebyshev series where the matrix is well
/// conditioned, which in filters it is, and eigenvalues otherwise.
public final class EnsembleFilter {
  public enum Kind: Sendable, Equatable {
    /// Perturbed observations (Burgers, van Leeuwen and Evensen 1998); with a half-width, covariances are tapered.
    case perturbedObservations(halfWidth: Double?)
    /// The symmetric square root (Hunt, Kostelich and Szunyogh 2007, without localisation).
    case squareRoot
    /// The same for every variable with observations tapered by distance.
    case localSquareRoot(halfWidth: Double)
  }

  public let variables: Int, members: Int
  /// Which variables are observed.
  public let observed: [Int]
  /// Of the observations' errors.
  public let variance: Double
  public let kind: Kind
  /// Factor on the members' distances from their mean after each analysis.
  public let inflation: Double

  private let distance: (Int, Int) -> Double
  /// Observations near each variable and the roots of their tapers.
  private let neighbours: [[(observation: Int, root: Double)]]
  private let width: Int
  private let anomalies: Aligned, next: Aligned, cross: Aligned, observedRows: Aligned
  private let matrices: [Aligned]
  /// Tapered matrices of all variables, one after the other.
  private let tapered: Aligned
  private var mean: [Double], forecastMean: [Double]

  /// - Parameters:
  ///   - distance: between two variables, for tapers; on a ring of all variables unless it is given.
  public init(
    variables: Int, members: Int, observed: [Int], variance: Double, kind: Kind, inflation: Double = 1,
    distance: (@Sendable (Int, Int) -> Double)? = nil
  ) throws(TensorError) {
    guard variables >= 1, members >= 2, members <= 1024 else {
      throw .invalidArgument("variables, members", found: "\(variables), \(members)", expected: "1 or more, 2 to 1024")
    }
    guard !observed.isEmpty, observed.allSatisfy({ (0..<variables).contains($0) }) else {
      throw .invalidArgument("observed", found: "\(observed)", expected: "variables from 0 to \(variables - 1)")
    }
    guard variance > 0, variance.isFinite, inflation > 0, inflation.isFinite else {
      throw .invalidArgument("variance, inflation", found: "\(variance), \(inflation)", expected: "above 0")
    }
    (self.variables, self.members, self.observed) = (variables, members, observed)
    (self.variance, self.kind, self.inflation) = (variance, kind, inflation)
    let ring: (Int, Int) -> Double = { Double(min(abs($0 - $1), variables - abs($0 - $1))) }
    let metric: (Int, Int) -> Double = distance.map { d in { d($0, $1) } } ?? ring
    self.distance = metric
    var neighbours: [[(observation: Int, root: Double)]] = []
    if case .localSquareRoot(let halfWidth) = kind {
      guard halfWidth > 0 else { throw .invalidArgument("halfWidth", found: "\(halfWidth)", expected: "above 0") }
      // Tapers below a thousandth change nothing that can be seen.
      neighbours = (0..<variables).map { i in
        observed.indices.compactMap { l in
          let taper = gaspariCohn(metric(i, observed[l]), halfWidth: halfWidth)
          return taper > 1e-3 ? (l, taper.squareRoot()) : nil
        }
      }
      guard neighbours.allSatisfy({ $0.count <= 256 }) else {
        throw .invalidArgument(
          "halfWidth", found: "\(halfWidth)", expected: "one that leaves at most 256 observations near each variable")
      }
    }
    self.neighbours = neighbours
    width = (members + 7) / 8 * 8
    anomalies = try Aligned(variables * members)
    next = try Aligned(variables * members)
    observedRows = try Aligned(observed.count * members)
    cross = try Aligned(variables * observed.count)
    tapered = try Aligned(neighbours.reduce(0) { $0 + $1.count * (($1.count + 7) / 8 * 8) })
    var matrices: [Aligned] = []
    for _ in 0..<6 { matrices.append(try Aligned(width * members)) }
    self.matrices = matrices
    mean = [Double](repeating: 0, count: variables)
    forecastMean = mean
  }

  /// Takes observations in.
  ///
  /// - Parameters:
  ///   - x: the forecast ensemble, shape `[variables, members]`; becomes the analysis.
  ///   - y: the observations, in the order of `observed`.
  /// - Returns: the analysis mean.
  @discardableResult
  public func analyse(_ x: inout Tensor<Double>, _ y: [Double], random: inout RandomStream) throws -> [Double] {
    guard x.shape == [variables, members] else {
      throw TensorError.wrongShape(argument: "x", found: x.shape, expected: "[\(variables), \(members)]")
    }
    guard y.count == observed.count else {
      throw TensorError.wrongShape(argument: "y", found: [y.count], expected: "[\(observed.count)]")
    }
    try x.makeUnique()
    let e = x.body.f64
    for i in 0..<variables {
      var sum = 0.0
      for k in 0..<members { sum += e[i * members + k] }
      mean[i] = sum / Double(members)
      for k in 0..<members { anomalies.pointer[i * members + k] = e[i * members + k] - mean[i] }
    }
    forecastMean = mean
    switch kind {
    case .perturbedObservations(let halfWidth): try perturbed(y, halfWidth, &random)
    case .squareRoot: try squareRoot(y)
    case .localSquareRoot: local(y)
    }
    for i in 0..<variables {
      for k in 0..<members { e[i * members + k] = mean[i] + inflation * next.pointer[i * members + k] }
    }
    return mean
  }

  /// A row-major product c = a·b, sizes `[rows, inner]·[inner, columns]`; b transposed where asked.
  private func multiply(
    _ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ c: UnsafeMutablePointer<Double>, _ rows: Int,
    _ inner: Int,
    _ columns: Int, strides: (Int, Int, Int), transposingA: Bool = false, transposingB: Bool = false, adding: Double = 0
  ) {
    cblas_dgemm(
      CblasRowMajor, transposingA ? CblasTrans : CblasNoTrans, transposingB ? CblasTrans : CblasNoTrans, Int32(rows),
      Int32(columns), Int32(inner), 1, a, Int32(strides.0), b, Int32(strides.1), adding, c, Int32(strides.2))
  }

  private func perturbed(_ y: [Double], _ halfWidth: Double?, _ random: inout RandomStream) throws {
    let m = observed.count
    let normals: Tensor<Double> = try random.normal([m, members], standardDeviation: variance.squareRoot())
    // The perturbations' mean is taken out, so that the analysis mean is that of the filter.
    let noise = try normals - normals.mean(axes: [1], keepingAxes: true)
    let a = try Tensor(
      UnsafeBufferPointer(start: anomalies.pointer, count: anomalies.count), shape: [variables, members])
    let rows = try Tensor<Int32>(observed.map(Int32.init))
    let h = try a.selecting(rows)
    let scale = 1 / Double(members - 1)
    var pxy = try matmul(a, h, transposingB: true) * scale
    var pyy = try matmul(h, h, transposingB: true) * scale
    if let halfWidth {
      func taper(_ from: [Int]) throws -> Tensor<Double> {
        try Tensor(
          from.flatMap { i in observed.map { gaspariCohn(distance(i, $0), halfWidth: halfWidth) } },
          shape: [from.count, m])
      }
      pxy = try pxy * taper(Array(0..<variables))
      pyy = try pyy * taper(observed)
    }
    let centre = try Tensor(zip(y, observed).map { $0 - mean[$1] }, shape: [m, 1])
    let innovations = try centre + noise - h
    let update = try matmul(pxy, solve(pyy + Tensor<Double>.identity(m) * variance, innovations))
    let change = try update.mean(axes: [1], keepingAxes: true)
    for (i, value) in try (a + update - change).elements.enumerated() { next.pointer[i] = value }
    for (i, shift) in change.elements.enumerated() { mean[i] += shift }
  }

  private func squareRoot(_ y: [Double]) throws {
    let (n, m) = (members, observed.count)
    let weight = 1 / variance
    // YᵀY/σ² from the observed rows, and Yᵀd/σ².
    let rows = observedRows.pointer
    var side = [Double](repeating: 0, count: width)
    for (l, i) in observed.enumerated() {
      let d = (y[l] - mean[i]) * weight
      for k in 0..<n {
        let value = anomalies.pointer[i * n + k]
        rows[l * n + k] = value
        side[k] += value * d
      }
    }
    let base = Double(n - 1)
    let s = matrices[0].pointer
    multiply(rows, rows, s, n, m, n, strides: (n, n, width), transposingA: true)
    var (square, most) = (0.0, 0.0)
    for i in 0..<n {
      var sum = 0.0
      for k in 0..<n {
        let value = s[i * width + k] * weight
        s[i * width + k] = value
        sum += abs(value)
        square += value * value
      }
      most = max(most, sum)
    }
    let bound = max(min(most, square.squareRoot()), 1e-12 * base)
    // Powers of a matrix lose digits as 2.4^degree times what the series loses; up to this condition none that matter.
    if (base + bound) / base <= 5 {
      let (root, weights) = polynomials(s, bound: bound, base: base, side)
      apply(root, stride: width, weights)
    } else {
      let part = try Tensor((0..<n).flatMap { i in (0..<n).map { s[i * width + $0] } }, shape: [n, n])
      let (values, vectors) = try symmetricEigenvalues(part)
      let scale = try (Tensor.maximum(values, Tensor(0)) + base).reciprocal()
      let root = try matmul(vectors * (scale * base).squareRoot(), vectors, transposingB: true)
      let projected = try matmul(vectors, Tensor(Array(side.prefix(n)), shape: [n, 1]), transposingA: true)
      let weights = try matmul(vectors, projected * scale.expanded(axis: 1)).elements
      try root.withElements { elements in
        for i in 0..<n { for k in 0..<n { matrices[4].pointer[i * width + k] = elements[i * n + k] } }
      }
      apply(matrices[4].pointer, stride: width, weights)
    }
  }

  /// √(N−1)·(S + (N−1)I)^(−1/2) and (S + (N−1)I)⁻¹·side, as polynomials of S, which is overwritten.
  private func polynomials(
    _ s: UnsafeMutablePointer<Double>, bound: Double, base: Double, _ side: [Double]
  ) -> (root: UnsafeMutablePointer<Double>, weights: [Double]) {
    let n = members
    let terms = ChebyshevSeries.terms(condition: (base + bound) / base)
    let root = ChebyshevSeries(0...bound, terms: terms) { (base / (base + $0)).squareRoot() }
    let inverse = ChebyshevSeries(0...bound, terms: terms) { 1 / (base + $0) }
    var weights = [Double](repeating: 0, count: width)
    var unused = weights
    let nothing = [Double](repeating: 0, count: terms)
    kk_chebyshev_f64(
      n, width, s, inverse.centre, inverse.radius, terms, inverse.coefficients, nothing, side, &weights, &unused)
    // Paterson and Stockmeyer (1973): powers up to the fourth, then Horner in the fourth.
    let powers = root.powers
    let scale = 1 / root.radius
    for i in 0..<n {
      s[i * width + i] -= root.centre
      for k in 0..<n { s[i * width + k] *= scale }
    }
    let (second, third, fourth) = (matrices[1].pointer, matrices[2].pointer, matrices[3].pointer)
    let strides = (width, width, width)
    multiply(s, s, second, n, n, n, strides: strides)
    multiply(second, s, third, n, n, n, strides: strides)
    multiply(second, second, fourth, n, n, n, strides: strides)
    var (sum, other) = (matrices[4].pointer, matrices[5].pointer)
    func coefficient(_ k: Int) -> Double { k < powers.count ? powers[k] : 0 }
    for block in stride(from: (powers.count + 3) / 4 - 1, through: 0, by: -1) {
      let c = (0..<4).map { coefficient(4 * block + $0) }
      for i in 0..<n * width { other[i] = c[1] * s[i] + c[2] * second[i] + c[3] * third[i] }
      for i in 0..<n { other[i * width + i] += c[0] }
      if 4 * block + 4 < powers.count { multiply(sum, fourth, other, n, n, n, strides: strides, adding: 1) }
      (sum, other) = (other, sum)
    }
    return (sum, weights)
  }

  /// next = A·root, mean += A·weights.
  private func apply(_ root: UnsafePointer<Double>, stride: Int, _ weights: [Double]) {
    let n = members
    multiply(anomalies.pointer, root, next.pointer, variables, n, n, strides: (n, stride, n))
    for i in 0..<variables {
      var shift = 0.0
      for k in 0..<n { shift += anomalies.pointer[i * n + k] * weights[k] }
      mean[i] += shift
    }
  }

  private func local(_ y: [Double]) {
    let (n, m) = (members, observed.count)
    let rows = observedRows.pointer
    for (l, i) in observed.enumerated() {
      (rows + l * n).update(from: anomalies.pointer + i * n, count: n)
    }
    // A·Yᵀ/σ²: all that tapered matrices are made of.
    multiply(anomalies.pointer, rows, cross.pointer, variables, n, m, strides: (n, n, m), transposingB: true)
    let weight = 1 / variance
    let base = Double(n - 1)
    let blocks = neighbours.map { ($0.count + 7) / 8 * 8 }
    let bound = max(1e-12 * base, taper(blocks, weight))
    let terms = min(500, ChebyshevSeries.terms(condition: (base + bound) / base))
    let anchor = base.squareRoot()
    // With C = YYᵀ: Y(S + (N−1)I)⁻¹ = (C + (N−1)I)⁻¹Y, and f(YᵀY) = f(0) + Yᵀ·(f(C) − f(0))/C·Y.
    let root = ChebyshevSeries(0...bound, terms: terms) { x in
      let other = (base + x).squareRoot()
      return -1 / (other * (anchor + other))
    }
    let inverse = ChebyshevSeries(0...bound, terms: terms) { 1 / (base + $0) }
    var start = 0
    let most = blocks.max() ?? 8
    var (side, p, q) = (
      [Double](repeating: 0, count: most), [Double](repeating: 0, count: most), [Double](repeating: 0, count: most)
    )
    for (i, near) in neighbours.enumerated() {
      for k in 0..<most { (side[k], p[k], q[k]) = (0, 0, 0) }
      for (a, neighbour) in near.enumerated() {
        side[a] = cross.pointer[i * m + neighbour.observation] * neighbour.root * weight.squareRoot()
      }
      kk_chebyshev_f64(
        near.count, blocks[i], tapered.pointer + start, root.centre, root.radius, terms, root.coefficients,
        inverse.coefficients, side, &p, &q)
      start += near.count * blocks[i]
      let row = next.pointer + i * n
      row.update(from: anomalies.pointer + i * n, count: n)
      var shift = 0.0
      for (a, neighbour) in near.enumerated() {
        let factor = neighbour.root * weight.squareRoot()
        shift += q[a] * factor * (y[neighbour.observation] - forecastMean[observed[neighbour.observation]])
        let source = rows + neighbour.observation * n
        let amount = p[a] * factor
        for k in 0..<n { row[k] += amount * source[k] }
      }
      mean[i] += shift
    }
  }

  /// Tapered matrices of the observations near each variable, padded to blocks.
  ///
  /// - Returns: the largest of their Frobenius norms, which no eigenvalue exceeds.
  private func taper(_ blocks: [Int], _ weight: Double) -> Double {
    let m = observed.count
    var bound = 0.0
    var start = 0
    for (i, near) in neighbours.enumerated() {
      let matrix = tapered.pointer + start
      var square = 0.0
      for (a, first) in near.enumerated() {
        let row = cross.pointer + observed[first.observation] * m
        let factor = first.root * weight
        for (b, second) in near.enumerated() {
          let value = row[second.observation] * factor * second.root
          matrix[a * blocks[i] + b] = value
          square += value * value
        }
      }
      bound = max(bound, square.squareRoot())
      start += near.count * blocks[i]
    }
    return bound
  }
}
