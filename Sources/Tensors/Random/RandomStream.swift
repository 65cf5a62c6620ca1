import CKernels

/// Random numbers that depend on the seed and how many were drawn before, and on nothing else: not on the machine, nor
/// on the number of threads (Philox4x32-10: Salmon et al., SC'11).
///
///     var random = RandomStream(seed: 7)
///     let noise: Tensor<Float> = try random.normal([64, 16])
///     var tile = random.split("tile 3")        // independent of `random`, and of every other name
public struct RandomStream: Sendable, Codable, Equatable {
  private let key: UInt64
  private var block: UInt64 = 0

  public init(seed: UInt64) { key = RandomStream.mix(seed &+ 0x9E37_79B9_7F4A_7C15) }

  private init(key: UInt64) { self.key = key }

  /// The finaliser of SplitMix64 (Steele et al., OOPSLA 2014).
  private static func mix(_ x: UInt64) -> UInt64 {
    var z = x
    z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
    return z ^ (z >> 31)
  }

  /// The stream called `name` below this one. It does not depend on what was drawn here.
  public func split(_ name: String) -> RandomStream {
    // FNV-1a over the name, then mixed with our key.
    let hash = name.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
    return RandomStream(key: RandomStream.mix(key ^ RandomStream.mix(hash)))
  }

  /// Fills `count` numbers in pieces that start on whole groups of blocks, so that threads may share the work.
  private mutating func fill(_ count: Int, wordsPerNumber: Int, _ kernel: (UInt64, UInt64, Range<Int>) -> Void) {
    let perGroup = 64 / wordsPerNumber
    let groups = (count + perGroup - 1) / perGroup
    let first = block
    let key = key
    parallelFor(groups, grain: 1024) { part in
      kernel(
        key, first + UInt64(part.lowerBound) * 16,
        part.lowerBound * perGroup..<Swift.min(count, part.upperBound * perGroup))
    }
    block += UInt64(groups) * 16
  }

  /// Uniform numbers between the bounds.
  public mutating func uniform<E: TensorScalar>(
    _ shape: [Int], in bounds: ClosedRange<E> = 0...1
  ) throws(TensorError) -> Tensor<E> {
    let y = try Tensor<E>.uninitialized(shape)
    fillUniform(y.body, Double(bounds.lowerBound), Double(bounds.upperBound))
    return y
  }

  private mutating func fillUniform(_ y: Body, _ low: Double, _ high: Double) {
    if y.type == .float32 {
      fill(y.count, wordsPerNumber: 1) {
        kk_uniform_f32($0, $1, $2.count, Float(low), Float(high), y.f32 + $2.lowerBound)
      }
    } else {
      fill(y.count, wordsPerNumber: 2) { kk_uniform_f64($0, $1, $2.count, low, high, y.f64 + $2.lowerBound) }
    }
  }

  /// Normal numbers. In `Float` they stay within 5.9 standard deviations.
  public mutating func normal<E: TensorScalar>(
    _ shape: [Int], mean: E = 0, standardDeviation: E = 1
  ) throws(TensorError) -> Tensor<E> {
    let y = try Tensor<E>.uninitialized(shape)
    fillNormal(y.body, Double(mean), Double(standardDeviation))
    return y
  }

  private mutating func fillNormal(_ y: Body, _ mean: Double, _ deviation: Double) {
    if y.type == .float32 {
      fill(y.count, wordsPerNumber: 1) {
        kk_normal_f32($0, $1, $2.count, Float(mean), Float(deviation), y.f32 + $2.lowerBound)
      }
    } else {
      fill(y.count, wordsPerNumber: 2) { kk_normal_f64($0, $1, $2.count, mean, deviation, y.f64 + $2.lowerBound) }
    }
  }

  /// Overwrites a tensor with normal numbers; no memory is taken when nothing else shares it.
  public mutating func fillNormal<E: TensorScalar>(_ tensor: inout Tensor<E>) throws(TensorError) {
    try tensor.makeUnique()
    fillNormal(tensor.body, 0, 1)
  }

  /// 1 with the probability at each place, else 0.
  public mutating func bernoulli<E: TensorScalar>(_ probability: Tensor<E>) throws(TensorError) -> Tensor<E> {
    let p = try probability.rowMajor().body
    let y = try Tensor<E>.uninitialized(p.shape)
    if p.type == .float32 {
      fill(p.count, wordsPerNumber: 1) {
        kk_bernoulli_f32($0, $1, $2.count, p.f32 + $2.lowerBound, y.body.f32 + $2.lowerBound)
      }
    } else {
      fill(p.count, wordsPerNumber: 2) {
        kk_bernoulli_f64($0, $1, $2.count, p.f64 + $2.lowerBound, y.body.f64 + $2.lowerBound)
      }
    }
    return y
  }

  /// Blocks for a kernel that draws by itself.
  package mutating func reserve(_ blocks: UInt64) -> (key: UInt64, block: UInt64) {
    defer { block += blocks }
    return (key, block)
  }

  /// Words of 32 random bits.
  package mutating func words(_ count: Int) -> [UInt32] {
    let words = [UInt32](unsafeUninitializedCapacity: count) { buffer, filled in
      kk_random_words(key, block, count, buffer.baseAddress)
      filled = count
    }
    block += UInt64((count + 63) / 64) * 16
    return words
  }

  /// 0..<count in random order (Fisher–Yates).
  public mutating func permutation(_ count: Int) throws(TensorError) -> Tensor<Int32> {
    guard count >= 0, count <= Int(Int32.max)
    else { throw .invalidArgument("count", found: "\(count)", expected: "0...\(Int32.max)") }
    let y = try Tensor<Int32>((0..<Int32(count)).map { $0 })
    for i in stride(from: count - 1, to: 0, by: -1) {
      let j = Int(next(upperBound: UInt64(i + 1)))
      (y.pointer[i], y.pointer[j]) = (y.pointer[j], y.pointer[i])
    }
    return y
  }
}

extension RandomStream: RandomNumberGenerator {
  public mutating func next() -> UInt64 {
    var words = (UInt32(0), UInt32(0))
    withUnsafeMutableBytes(of: &words) { bytes in
      kk_random_words(key, block, 2, bytes.baseAddress?.assumingMemoryBound(to: UInt32.self))
    }
    block += 16
    return UInt64(words.0) << 32 | UInt64(words.1)
  }
}
