/// What a planned Fourier transform does, unscaled. `FourierPlan` plans and runs it; there is one for each library that can
/// do it, and a build has one of them.
package struct FourierProblem: Hashable, Sendable {
  /// `forward` is Σ x·exp(−2πi·kn/N) and `backward` its conjugate, both on complex numbers; a real signal has the
  /// frequencies 0…n/2 along its last axis.
  package enum Kind: Sendable { case forward, backward, realToComplex, complexToReal }

  package var kind: Kind
  /// Points of the signal along each axis, 1 to 3 of them.
  package var extents: [Int]
  package var isDouble = true
  /// How many transforms, and how many numbers lie from the start of one to that of the next: nil for one after the other.
  package var batch = 1, distance: Int?
  /// Numbers from one element of the last axis to the next.
  package var stride = 1
  /// Whether the arrays always begin at multiples of 64 bytes.
  package var isAligned = false
  /// Whether the input must survive; only `complexToReal` may need it for itself.
  package var keepsInput = true

  package init(_ kind: Kind, extents: [Int]) { (self.kind, self.extents) = (kind, extents) }

  /// Numbers in a signal: those of a field, or of the complex side of a complex transform.
  package var signalCount: Int { extents.reduce(1, *) }
  /// Frequencies along the last axis that are kept of a real signal.
  package var half: Int { (extents.last ?? 1) / 2 + 1 }
  /// Numbers of the complex side of a real transform.
  package var spectrumCount: Int { extents.dropLast().reduce(half, *) }
}
