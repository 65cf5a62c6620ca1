import CFFTW
import Tensors

/// Real fields on a periodic line or square and their spectra, unscaled. Of a square's spectrum only the waves that the 2/3
/// rule keeps are made, one row for each wave along the last axis, all waves of the first axis in it.
///
/// Plans are estimated and not measured: which algorithm is fastest today must not decide over the last bits of a result.
final class SpectralTransform {
  let points: Int
  let isSquare: Bool
  /// Rows that are kept: 1 for a line.
  let rows: Int
  /// Numbers of a field, and of a spectrum with real and imaginary parts counted.
  let fieldCount: Int, spectrumCount: Int
  /// Numbers that a buffer for a spectrum has to have: the transforms need room beyond the rows that are kept, with zeros.
  let roomCount: Int
  private let forwardPlan: OpaquePointer, inversePlan: OpaquePointer
  private let forwardRows: OpaquePointer?, inverseRows: OpaquePointer?

  private static let planner = Locked<Void>(())

  init(points n: Int, isSquare: Bool) throws(TensorError) {
    (points, self.isSquare) = (n, isSquare)
    let half = n / 2 + 1
    rows = isSquare ? (n + 2) / 3 : 1
    fieldCount = isSquare ? n * n : n
    spectrumCount = 2 * (isSquare ? rows * n : half)
    roomCount = 2 * (isSquare ? half * n : half)
    let (field, room) = (try Aligned(fieldCount), try Aligned(roomCount))
    let complex = Self.complex(room.pointer)
    let size = [Int32(n)]
    let (many, stride) = (Int32(isSquare ? n : 1), Int32(isSquare ? n : 1))
    let kept = Int32(rows)
    let plans = SpectralTransform.planner.withLock { _ in
      (
        fftw_plan_many_dft_r2c(
          1, size, many, field.pointer, nil, 1, Int32(n), complex, nil, stride, 1, estimate),
        fftw_plan_many_dft_c2r(
          1, size, many, complex, nil, stride, 1, field.pointer, nil, 1, Int32(n), estimate | preserveInput),
        isSquare
          ? fftw_plan_many_dft(
            1, size, kept, complex, nil, 1, Int32(n), complex, nil, 1, Int32(n), FFTW_FORWARD, estimate)
          : nil,
        isSquare
          ? fftw_plan_many_dft(
            1, size, kept, complex, nil, 1, Int32(n), complex, nil, 1, Int32(n), FFTW_BACKWARD, estimate)
          : nil
      )
    }
    guard let forward = plans.0, let inverse = plans.1, !isSquare || (plans.2 != nil && plans.3 != nil) else {
      throw .invalidArgument("points", found: "\(n)", expected: "a number that FFTW can plan")
    }
    (forwardPlan, inversePlan, forwardRows, inverseRows) = (forward, inverse, plans.2, plans.3)
  }

  deinit {
    let plans = [forwardPlan, inversePlan, forwardRows, inverseRows]
    SpectralTransform.planner.withLock { _ in
      for case let plan? in plans { fftw_destroy_plan(plan) }
    }
  }

  private static func complex(_ x: UnsafeMutablePointer<Double>) -> UnsafeMutablePointer<fftw_complex> {
    UnsafeMutableRawPointer(x).assumingMemoryBound(to: fftw_complex.self)
  }

  /// Into a buffer with `roomCount` numbers, of which the first `spectrumCount` are the spectrum.
  func forward(_ x: UnsafeMutablePointer<Double>, _ y: UnsafeMutablePointer<Double>) {
    fftw_execute_dft_r2c(forwardPlan, x, Self.complex(y))
    if let forwardRows { fftw_execute_dft(forwardRows, Self.complex(y), Self.complex(y)) }
  }

  /// From a buffer with `roomCount` numbers, zeros after the spectrum, which is overwritten.
  func inverse(_ y: UnsafeMutablePointer<Double>, _ x: UnsafeMutablePointer<Double>) {
    if let inverseRows { fftw_execute_dft(inverseRows, Self.complex(y), Self.complex(y)) }
    fftw_execute_dft_c2r(inversePlan, Self.complex(y), x)
  }
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

  deinit { fftw_free(pointer) }
}
