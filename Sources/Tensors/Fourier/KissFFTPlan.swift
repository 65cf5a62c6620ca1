import CKissFFT
import Foundation

/// A Fourier transform done line by line by KissFFT, in builds without FFTW. Float is computed in Double.
///
/// Real lines of even length are complex ones of half the length. A length with a prime factor p above 5 costs p steps for each
/// of its points.
package final class FourierPlan: Sendable {
  private let problem: FourierProblem
  /// Extents of the complex numbers between the passes along each axis, and a line for each pass: of a real signal all axes but
  /// the last, which `rows` does.
  private let extents: [Int], lines: [KissLine]
  private let rows: RealRow?

  /// Nil where memory is short. Any arrays will do; the parameters are those of other libraries.
  package init?(_ problem: FourierProblem, input: UnsafeMutableRawPointer, output: UnsafeMutableRawPointer) {
    self.problem = problem
    let isReal = problem.kind == .realToComplex || problem.kind == .complexToReal
    let backward = problem.kind == .backward || problem.kind == .complexToReal
    let last = problem.extents.last ?? 1
    extents = isReal ? problem.extents.dropLast() + [problem.half] : problem.extents
    let passes = isReal ? problem.extents.dropLast() : problem.extents[...]
    lines = passes.compactMap { KissLine(points: $0, backward: backward) }
    rows = isReal ? RealRow(points: last, backward: backward) : nil
    guard lines.count == passes.count, (rows != nil) == isReal else { return nil }
  }

  package func run(_ input: UnsafeMutableRawPointer, _ output: UnsafeMutableRawPointer) {
    if problem.isDouble {
      run(input.assumingMemoryBound(to: Double.self), output.assumingMemoryBound(to: Double.self))
    } else {
      run(input.assumingMemoryBound(to: Float.self), output.assumingMemoryBound(to: Float.self))
    }
  }

  private func run<T: TensorScalar>(_ x: UnsafeMutablePointer<T>, _ y: UnsafeMutablePointer<T>) {
    let count = 2 * extents.reduce(1, *)
    let longest = 2 * problem.extents.reduce(1, max)
    withUnsafeTemporaryAllocation(of: Double.self, capacity: count + 2 * longest) { memory in
      guard let numbers = memory.baseAddress else { return }
      let work = Work(numbers: numbers, count: count, line: numbers + count, other: numbers + count + longest)
      for number in 0..<problem.batch { run(x, y, number, work) }
    }
  }

  /// The memory of a run: all complex numbers of a transform, and two lines.
  private struct Work {
    var numbers: UnsafeMutablePointer<Double>, count: Int
    var line: UnsafeMutablePointer<Double>, other: UnsafeMutablePointer<Double>
  }

  private func run<T: TensorScalar>(
    _ x: UnsafeMutablePointer<T>, _ y: UnsafeMutablePointer<T>, _ number: Int, _ work: Work
  ) {
    let complexStart = 2 * number * (problem.distance ?? work.count / 2)
    let realStart = number * (problem.distance ?? problem.signalCount)
    if problem.kind == .realToComplex {
      eachRow { row, at in
        for i in 0..<row.points { work.line[i] = Double(x[realStart + row.points * at + i]) }
        row.forward(work.line, into: work.numbers + 2 * problem.half * at, using: work.other)
      }
    } else {
      for i in 0..<work.count / 2 {
        let from = complexStart + 2 * i * problem.stride
        (work.numbers[2 * i], work.numbers[2 * i + 1]) = (Double(x[from]), Double(x[from + 1]))
      }
    }
    passes(work)
    if problem.kind == .complexToReal {
      eachRow { row, at in
        row.backward(work.numbers + 2 * problem.half * at, into: work.line, using: work.other)
        for i in 0..<row.points { y[realStart + row.points * at + i] = T(work.line[i]) }
      }
    } else {
      for i in 0..<work.count / 2 {
        let to = complexStart + 2 * i * problem.stride
        (y[to], y[to + 1]) = (T(work.numbers[2 * i]), T(work.numbers[2 * i + 1]))
      }
    }
  }

  private func eachRow(_ body: (_ row: RealRow, _ at: Int) -> Void) {
    guard let rows else { return }
    for at in 0..<problem.signalCount / rows.points { body(rows, at) }
  }

  private func passes(_ work: Work) {
    for (axis, line) in lines.enumerated() {
      let step = extents[(axis + 1)...].reduce(1, *)
      let span = step * line.points
      for outer in stride(from: 0, to: work.count / 2, by: span) {
        for start in outer..<outer + step {
          line.run(work.numbers + 2 * start, step: step, into: work.line)
          for k in 0..<line.points {
            let to = 2 * (start + k * step)
            (work.numbers[to], work.numbers[to + 1]) = (work.line[2 * k], work.line[2 * k + 1])
          }
        }
      }
    }
  }
}

/// The complex transform of one line.
private final class KissLine: @unchecked Sendable {
  let points: Int
  private let plan: OpaquePointer

  init?(points: Int, backward: Bool) {
    guard let plan = kk_kissfft_make(points, backward ? 1 : 0) else { return nil }
    (self.points, self.plan) = (points, plan)
  }

  deinit { kk_kissfft_free(plan) }

  /// - Parameter step: complex numbers from one of the input to the next; the output stands elsewhere, without gaps.
  func run(_ x: UnsafePointer<Double>, step: Int, into y: UnsafeMutablePointer<Double>) {
    kk_kissfft_run(plan, x, step, y)
  }
}

/// The transform of one line of n real numbers, to its frequencies 0…n/2 or back from them. `other` holds 2·n numbers.
private struct RealRow: Sendable {
  let points: Int
  private let line: KissLine
  /// exp(iπk/N) for k of 0..<N, N = n/2; none for odd n, which go through a complex line of their own length.
  private let turns: [Double]

  init?(points n: Int, backward: Bool) {
    let isEven = n.isMultiple(of: 2)
    guard let line = KissLine(points: isEven ? n / 2 : n, backward: backward) else { return nil }
    (points, self.line) = (n, line)
    let angles: [Double] = isEven ? (0..<n / 2).map { 2 * Double.pi * Double($0) / Double(n) } : []
    turns = angles.flatMap { [cos($0), sin($0)] }
  }

  func forward(
    _ x: UnsafePointer<Double>, into y: UnsafeMutablePointer<Double>, using other: UnsafeMutablePointer<Double>
  ) {
    let half = points / 2
    if turns.isEmpty {
      withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * points) { result in
        for i in 0..<points { (other[2 * i], other[2 * i + 1]) = (x[i], 0) }
        guard let all = result.baseAddress else { return }
        line.run(other, step: 1, into: all)
        y.update(from: all, count: 2 * (half + 1))
      }
      return
    }
    // Even places are real parts, odd ones imaginary: Z = E + i·O, and X = E + exp(−iπk/N)·O.
    line.run(x, step: 1, into: other)
    for k in 0...half {
      let (a, b) = (2 * (k % half), 2 * ((half - k) % half))
      let even = ((other[a] + other[b]) / 2, (other[a + 1] - other[b + 1]) / 2)
      let odd = ((other[a + 1] + other[b + 1]) / 2, (other[b] - other[a]) / 2)
      let (c, s) = k == half ? (-1, 0) : (turns[2 * k], turns[2 * k + 1])
      y[2 * k] = even.0 + c * odd.0 + s * odd.1
      y[2 * k + 1] = even.1 + c * odd.1 - s * odd.0
    }
  }

  func backward(
    _ x: UnsafePointer<Double>, into y: UnsafeMutablePointer<Double>, using other: UnsafeMutablePointer<Double>
  ) {
    let half = points / 2
    if turns.isEmpty {
      withUnsafeTemporaryAllocation(of: Double.self, capacity: 2 * points) { result in
        (other[0], other[1]) = (x[0], 0)
        for k in 1..<half + 1 {
          (other[2 * k], other[2 * k + 1]) = (x[2 * k], x[2 * k + 1])
          (other[2 * (points - k)], other[2 * (points - k) + 1]) = (x[2 * k], -x[2 * k + 1])
        }
        guard let all = result.baseAddress else { return }
        line.run(other, step: 1, into: all)
        for i in 0..<points { y[i] = all[2 * i] }
      }
      return
    }
    // 2·Z = 2·E + i·2·O with E and exp(−iπk/N)·O as above; the transform back brings N of the n = 2·N of an unscaled one.
    for k in 0..<half {
      let (a, b) = (2 * k, 2 * (half - k))
      // The imaginary parts of the frequencies 0 and n/2 do not count.
      let (p, q) = k == 0 ? (0, 0) : (x[a + 1], x[b + 1])
      let odd = (x[a] - x[b], p + q)
      let (c, s) = (turns[2 * k], turns[2 * k + 1])
      other[2 * k] = x[a] + x[b] - (c * odd.1 + s * odd.0)
      other[2 * k + 1] = p - q + c * odd.0 - s * odd.1
    }
    line.run(other, step: 1, into: y)
  }
}
