import CKernels
import Foundation
import Tensors

/// Real fields on a periodic line and their spectra, unscaled.
final class SpectralTransform {
  /// Numbers of a field, and of a spectrum with real and imaginary parts counted.
  let fieldCount: Int, spectrumCount: Int
  private let forwardPlan: FourierPlan, inversePlan: FourierPlan

  init(points n: Int) throws(TensorError) {
    fieldCount = n
    spectrumCount = 2 * (n / 2 + 1)
    let (field, spectrum) = (try Aligned(fieldCount), try Aligned(spectrumCount))
    forwardPlan = try planned(FourierProblem(.realToComplex, extents: [n]), field, spectrum)
    inversePlan = try planned(FourierProblem(.complexToReal, extents: [n]), spectrum, field)
  }

  func forward(_ x: UnsafeMutablePointer<Double>, _ y: UnsafeMutablePointer<Double>) { forwardPlan.run(x, y) }

  /// The spectrum is kept.
  func inverse(_ y: UnsafeMutablePointer<Double>, _ x: UnsafeMutablePointer<Double>) { inversePlan.run(y, x) }
}

/// Pairs of real fields on a periodic square and their spectra, unscaled. Both fields go through one complex transform, which
/// FFTW does faster than two real ones; of the spectra only the waves along the last axis that the 2/3 rule keeps are made.
///
/// Fields are pairs of numbers, `[points, points, 2]`; spectra `[points, half]` complex.
final class PairTransform {
  let points: Int
  /// Waves along the last axis that are kept: those below a third of the points.
  let half: Int
  /// Numbers of one spectrum, and of a pair of fields.
  let spectrumCount: Int, pairCount: Int
  private let rowsForth: FourierPlan, rowsBack: FourierPlan
  private let columnsForth: FourierPlan, columnsBack: FourierPlan
  /// Spectrum along the last axis of u + i·v; what lies beyond the kept waves stays 0 on the way back.
  private let back: Aligned, forth: Aligned

  init(points n: Int) throws(TensorError) {
    (points, half) = (n, (n + 2) / 3)
    (spectrumCount, pairCount) = (2 * n * half, 2 * n * n)
    (back, forth) = (try Aligned(pairCount), try Aligned(pairCount))
    let (field, spectrum) = (try Aligned(pairCount), try Aligned(spectrumCount))
    var rows = FourierProblem(.forward, extents: [n])
    rows.batch = n
    rowsForth = try planned(rows, field, back)
    rows.kind = .backward
    rowsBack = try planned(rows, back, field)
    var columns = FourierProblem(.forward, extents: [n])
    (columns.batch, columns.distance, columns.stride) = (half, 1, half)
    columnsForth = try planned(columns, spectrum, spectrum)
    columns.kind = .backward
    columnsBack = try planned(columns, spectrum, spectrum)
  }

  /// The spectra of both fields of a pair.
  func forward(_ pair: Aligned, _ u: Aligned, _ v: Aligned) {
    rowsForth.run(pair.pointer, forth.pointer)
    kk_split_halves_f64(points, points, half, forth.pointer, u.pointer, v.pointer)
    columnsForth.run(u.pointer, u.pointer)
    columnsForth.run(v.pointer, v.pointer)
  }

  /// The fields of two spectra, which are overwritten.
  func inverse(_ u: Aligned, _ v: Aligned, _ pair: Aligned) {
    columnsBack.run(u.pointer, u.pointer)
    columnsBack.run(v.pointer, v.pointer)
    kk_join_halves_f64(points, points, half, u.pointer, v.pointer, back.pointer)
    rowsBack.run(back.pointer, pair.pointer)
  }
}

private func planned(_ problem: FourierProblem, _ input: Aligned, _ output: Aligned) throws(TensorError) -> FourierPlan
{
  var problem = problem
  problem.isAligned = true
  guard let plan = FourierPlan(problem, input: input.pointer, output: output.pointer) else {
    throw .invalidArgument("points", found: "\(problem.extents[0])", expected: "a number that can be planned")
  }
  return plan
}

/// Numbers aligned as plans want them, 0 at first.
final class Aligned {
  let pointer: UnsafeMutablePointer<Double>
  let count: Int

  init(_ count: Int) throws(TensorError) {
    var memory: UnsafeMutableRawPointer?
    guard posix_memalign(&memory, 64, 8 * max(1, count)) == 0, let memory else { throw .outOfMemory(bytes: 8 * count) }
    pointer = memory.bindMemory(to: Double.self, capacity: count)
    pointer.initialize(repeating: 0, count: count)
    self.count = count
  }

  convenience init(_ numbers: [Double]) throws(TensorError) {
    try self.init(numbers.count)
    for (i, number) in numbers.enumerated() { pointer[i] = number }
  }

  deinit { free(pointer) }
}
