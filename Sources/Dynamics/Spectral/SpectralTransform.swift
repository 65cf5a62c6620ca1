import CFFTW
import Tensors

/// Real fields on a periodic grid of one or two axes and their spectra, in buffers of their own. Plans are measured once for
/// each shape, because solvers use them some thousand times.
final class SpectralTransform {
  /// Extents; the last is halved in the spectrum.
  let extents: [Int]
  /// Numbers of a field and of a spectrum, real and imaginary parts counted.
  let fieldCount: Int, spectrumCount: Int
  private let forwardPlan: OpaquePointer, inversePlan: OpaquePointer
  /// Work that the plans were made for.
  let field: UnsafeMutablePointer<Double>, spectrum: UnsafeMutablePointer<Double>

  private static let planner = Locked<Void>(())

  init(_ extents: [Int]) throws(TensorError) {
    guard (1...2).contains(extents.count), extents.allSatisfy({ $0 >= 4 && $0 <= 1 << 20 }) else {
      throw .invalidArgument("points", found: "\(extents)", expected: "one or two extents of 4 or more")
    }
    self.extents = extents
    fieldCount = extents.reduce(1, *)
    spectrumCount = fieldCount / extents[extents.count - 1] * (extents[extents.count - 1] / 2 + 1) * 2
    guard let a = fftw_alloc_real(fieldCount), let b = fftw_alloc_real(spectrumCount) else {
      throw .outOfMemory(bytes: 8 * (fieldCount + spectrumCount))
    }
    (field, spectrum) = (a, b)
    let n = extents.map(Int32.init)
    let complex = UnsafeMutableRawPointer(b).assumingMemoryBound(to: fftw_complex.self)
    // MEASURE writes into the buffers, which hold nothing yet; a solver's buffers have the same alignment.
    let plans = SpectralTransform.planner.withLock { _ in
      (
        fftw_plan_dft_r2c(Int32(n.count), n, a, complex, measure),
        fftw_plan_dft_c2r(Int32(n.count), n, complex, a, measure | destroyInput)
      )
    }
    guard let forward = plans.0, let inverse = plans.1 else {
      fftw_free(a)
      fftw_free(b)
      throw .invalidArgument("points", found: "\(extents)", expected: "extents that FFTW can plan")
    }
    (forwardPlan, inversePlan) = (forward, inverse)
  }

  deinit {
    fftw_free(field)
    fftw_free(spectrum)
    SpectralTransform.planner.withLock { _ in
      fftw_destroy_plan(forwardPlan)
      fftw_destroy_plan(inversePlan)
    }
  }

  /// Unscaled. Both buffers come from `Aligned`.
  func forward(_ x: UnsafeMutablePointer<Double>, _ y: UnsafeMutablePointer<Double>) {
    fftw_execute_dft_r2c(forwardPlan, x, UnsafeMutableRawPointer(y).assumingMemoryBound(to: fftw_complex.self))
  }

  /// Unscaled; overwrites the spectrum.
  func inverse(_ y: UnsafeMutablePointer<Double>, _ x: UnsafeMutablePointer<Double>) {
    fftw_execute_dft_c2r(inversePlan, UnsafeMutableRawPointer(y).assumingMemoryBound(to: fftw_complex.self), x)
  }
}

// FFTW_MEASURE and FFTW_DESTROY_INPUT, macros that Swift does not see.
private let measure: UInt32 = 0
private let destroyInput: UInt32 = 1

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

  deinit { fftw_free(pointer) }
}
