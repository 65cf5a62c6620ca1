import Reports

/// How the receiver separates the streams.
public enum Detection: String, ConfigurationChoice {
  /// Zero forcing: (HᴴH)⁻¹Hᴴy.
  case zeroForcing = "zf"
  /// Unbiased linear minimum mean square error: (HᴴH + N0·I)⁻¹Hᴴy, each stream divided by its bias.
  case minimumMeanSquareError = "mmse"
}

/// Linear detection of one subcarrier by an LDLᴴ factorisation, in memory of its own that is used again.
struct Detector {
  let transmit: Int
  let receive: Int
  private let detection: Detection
  private let noise: Float
  // Lower triangle of the Gram matrix, then of its factor; real and imaginary parts.
  private var re: [Float], im: [Float]
  private var inverseRe: [Float], inverseIm: [Float]
  private var pivots: [Float]
  private var zRe: [Float], zIm: [Float]

  init(transmit: Int, receive: Int, _ detection: Detection, noise: Float) {
    (self.transmit, self.receive, self.detection, self.noise) = (transmit, receive, detection, noise)
    let square = [Float](repeating: 0, count: transmit * transmit)
    let line = [Float](repeating: 0, count: transmit)
    (re, im, inverseRe, inverseIm) = (square, square, square, square)
    (pivots, zRe, zIm) = (line, line, line)
  }

  /// - Parameters:
  ///   - h: channel, `receive` × `transmit`, row-major.
  ///   - y: what was received.
  ///   - result: told each stream's estimate.
  mutating func detect(
    hRe: UnsafePointer<Float>, hIm: UnsafePointer<Float>, yRe: UnsafePointer<Float>, yIm: UnsafePointer<Float>,
    _ result: (_ stream: Int, _ re: Float, _ im: Float) -> Void
  ) {
    let n = transmit
    for i in 0..<n {
      var (sRe, sIm): (Float, Float) = (0, 0)
      for r in 0..<receive {
        let (a, b) = (hRe[r * n + i], hIm[r * n + i])
        sRe += a * yRe[r] + b * yIm[r]
        sIm += a * yIm[r] - b * yRe[r]
      }
      (zRe[i], zIm[i]) = (sRe, sIm)
      for j in 0...i {
        var (gRe, gIm): (Float, Float) = (0, 0)
        for r in 0..<receive {
          let (a, b, c, d) = (hRe[r * n + i], hIm[r * n + i], hRe[r * n + j], hIm[r * n + j])
          gRe += a * c + b * d
          gIm += a * d - b * c
        }
        if i == j, detection == .minimumMeanSquareError { gRe += noise }
        (re[i * n + j], im[i * n + j]) = (gRe, gIm)
      }
    }
    // LDLᴴ in place.
    for j in 0..<n {
      var d = re[j * n + j]
      for k in 0..<j { d -= (re[j * n + k] * re[j * n + k] + im[j * n + k] * im[j * n + k]) * pivots[k] }
      pivots[j] = d
      for i in j + 1..<max(j + 1, n) {
        var (sRe, sIm) = (re[i * n + j], im[i * n + j])
        for k in 0..<j {
          let (a, b, c, e) = (re[i * n + k], im[i * n + k], re[j * n + k], -im[j * n + k])
          sRe -= (a * c - b * e) * pivots[k]
          sIm -= (a * e + b * c) * pivots[k]
        }
        (re[i * n + j], im[i * n + j]) = (sRe / d, sIm / d)
      }
    }
    // The inverse of L, unit lower triangular.
    for j in 0..<n {
      for i in j + 1..<max(j + 1, n) {
        var (sRe, sIm) = (-re[i * n + j], -im[i * n + j])
        for k in j + 1..<max(j + 1, i) {
          let (a, b, c, e) = (re[i * n + k], im[i * n + k], inverseRe[k * n + j], inverseIm[k * n + j])
          sRe -= a * c - b * e
          sIm -= a * e + b * c
        }
        (inverseRe[i * n + j], inverseIm[i * n + j]) = (sRe, sIm)
      }
    }
    // w = D⁻¹L⁻¹z, from below so that z can be overwritten.
    for i in stride(from: n - 1, through: 0, by: -1) {
      var (sRe, sIm) = (zRe[i], zIm[i])
      for k in 0..<i {
        let (a, b) = (inverseRe[i * n + k], inverseIm[i * n + k])
        sRe += a * zRe[k] - b * zIm[k]
        sIm += a * zIm[k] + b * zRe[k]
      }
      (zRe[i], zIm[i]) = (sRe / pivots[i], sIm / pivots[i])
    }
    for j in 0..<n {
      var (sRe, sIm, g) = (zRe[j], zIm[j], 1 / pivots[j])
      for i in j + 1..<max(j + 1, n) {
        let (a, b) = (inverseRe[i * n + j], -inverseIm[i * n + j])
        sRe += a * zRe[i] - b * zIm[i]
        sIm += a * zIm[i] + b * zRe[i]
        g += (a * a + b * b) / pivots[i]
      }
      let bias = detection == .minimumMeanSquareError ? 1 - noise * g : 1
      result(j, sRe / bias, sIm / bias)
    }
  }
}
