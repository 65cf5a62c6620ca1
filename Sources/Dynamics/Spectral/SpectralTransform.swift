import CFFTW
import CKernels
import Tensors

/// Real fields on a periodic line and their spectra, unscaled.
///
/// Plans are estimated and not measured: which algorithm is fastest today must not decide over the last bits of a result.
final class SpectralTransform {
  /// Numbers of a field, and of a spectrum with real and imaginary parts counted.
  let fieldCount: Int, spectrumCount: Int
  private let forwardPlan: OpaquePointer, inversePlan: OpaquePointer

  fileprivate static let planner = Locked<Void>(())

  init(points n: Int) throws(TensorError) {
    fieldCount = n
    spectrumCount = 2 * (n / 2 + 1)
    let (field, spectrum) = (try Aligned(fieldCount), try Aligned(spectrumCount))
    let plans = SpectralTransform.planner.withLock { _ in
      (
        fftw_plan_dft_r2c_1d(Int32(n), field.pointer, spectrum.complex, estimate),
        fftw_plan_dft_c2r_1d(Int32(n), spectrum.complex, field.pointer, estimate | preserveInput)
      )
    }
    guard let forward = plans.0, let inverse = plans.1 else {
      throw .invalidArgument("points", found: "\(n)", expected: "a number that FFTW can plan")
    }
    (forwardPlan, inversePlan) = (forward, inverse)
  }

  deinit {
    SpectralTransform.planner.withLock { _ in
      fftw_destroy_plan(forwardPlan)
      fftw_destroy_plan(inversePlan)
    }
  }

  func forward(_ x: UnsafeMutablePointer<Double>, _ y: UnsafeMutablePointer<Double>) {
    fftw_execute_dft_r2c(forwardPlan, x, complexNumbers(y))
  }

  /// The spectrum is kept.
  func inverse(_ y: UnsafeMutablePointer<Double>, _ x: UnsafeMutablePointer<Double>) {
    fftw_execute_dft_c2r(inversePlan, complexNumbers(y), x)
  }
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
  private let rowsForth: OpaquePointer, rowsBack: OpaquePointer
  private let columnsForth: OpaquePointer, columnsBack: OpaquePointer
  /// Spectrum along the last axis of u + i·v; what lies beyond the kept waves stays 0 on the way back.
  private let back: Aligned, forth: Aligned

  init(points n: Int) throws(TensorError) {
    (points, half) = (n, (n + 2) / 3)
    (spectrumCount, pairCount) = (2 * n * half, 2 * n * n)
    (back, forth) = (try Aligned(pairCount), try Aligned(pairCount))
    let (field, spectrum) = (try Aligned(pairCount), try Aligned(spectrumCount))
    let size = [Int32(n)]
    let (many, kept) = (Int32(n), Int32(half))
    let (a, b, c) = (field.complex, back.complex, spectrum.complex)
    let plans = SpectralTransform.planner.withLock { _ in
      [
        fftw_plan_many_dft(1, size, many, a, nil, 1, many, b, nil, 1, many, FFTW_FORWARD, estimate),
        fftw_plan_many_dft(1, size, many, b, nil, 1, many, a, nil, 1, many, FFTW_BACKWARD, estimate | preserveInput),
        fftw_plan_many_dft(1, size, kept, c, nil, kept, 1, c, nil, kept, 1, FFTW_FORWARD, estimate),
        fftw_plan_many_dft(1, size, kept, c, nil, kept, 1, c, nil, kept, 1, FFTW_BACKWARD, estimate),
      ].compactMap(\.self)
    }
    guard plans.count == 4 else {
      throw .invalidArgument("points", found: "\(n)", expected: "a number that FFTW can plan")
    }
    (rowsForth, rowsBack, columnsForth, columnsBack) = (plans[0], plans[1], plans[2], plans[3])
  }

  deinit {
    SpectralTransform.planner.withLock { _ in
      for plan in [rowsForth, rowsBack, columnsForth, columnsBack] { fftw_destroy_plan(plan) }
    }
  }

  /// The spectra of both fields of a pair.
  func forward(_ pair: Aligned, _ u: Aligned, _ v: Aligned) {
    fftw_execute_dft(rowsForth, pair.complex, forth.complex)
    kk_split_halves_f64(points, points, half, forth.pointer, u.pointer, v.pointer)
    fftw_execute_dft(columnsForth, u.complex, u.complex)
    fftw_execute_dft(columnsForth, v.complex, v.complex)
  }

  /// The fields of two spectra, which are overwritten.
  func inverse(_ u: Aligned, _ v: Aligned, _ pair: Aligned) {
    fftw_execute_dft(columnsBack, u.complex, u.complex)
    fftw_execute_dft(columnsBack, v.complex, v.complex)
    kk_join_halves_f64(points, points, half, u.pointer, v.pointer, back.pointer)
    fftw_execute_dft(rowsBack, back.complex, pair.complex)
  }
}

private func complexNumbers(_ x: UnsafeMutablePointer<Double>) -> UnsafeMutablePointer<fftw_complex> {
  UnsafeMutableRawPointer(x).assumingMemoryBound(to: fftw_complex.self)
}

// Macros that Swift does not see.
private let estimate: UInt32 = 1 << 6
private let preserveInput: UInt32 = 1 << 4

/// Numbers aligned as FFTW's plans want them, 0 at first.
final class Aligned {
  let pointer: UnsafeMutablePointer<Double>
  let count: Int

  init(_ count: Int) throws(TensorError) {
    guard let memory = fftw_alloc_real(max(1, count)) else { throw .outOfMemory(bytes: 8 * count) }
    memory.initialize(repeating: 0, count: count)
    (pointer, self.count) = (memory, count)
  }

  convenience init(_ numbers: [Double]) throws(TensorError) {
    try self.init(numbers.count)
    for (i, number) in numbers.enumerated() { pointer[i] = number }
  }

  var complex: UnsafeMutablePointer<fftw_complex> { complexNumbers(pointer) }

  deinit { fftw_free(pointer) }
}
