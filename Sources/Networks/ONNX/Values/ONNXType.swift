/// What the elements of a tensor are in the ONNX format, by the format's numbers (`TensorProto.DataType`).
public enum ONNXType: Int, Sendable, CaseIterable {
  case float = 1
  case uint8, int8, uint16, int16, int32, int64, string, bool, float16, double, uint32, uint64, complex64, complex128
  case bfloat16, float8e4m3fn, float8e4m3fnuz, float8e5m2, float8e5m2fnuz, uint4, int4, float4e2m1, float8e8m0, uint2,
    int2

  /// Numbers with a fraction.
  public var isReal: Bool { self == .float || self == .double || smallFormat != nil || self == .float8e8m0 }
  /// Whole numbers, truth values not among them.
  public var isWhole: Bool { wholeBits != nil }

  /// Bits of an element as raw data have it; none for strings.
  var bits: Int? {
    switch self {
    case .float, .int32, .uint32: 32
    case .double, .int64, .uint64, .complex64: 64
    case .complex128: 128
    case .float16, .bfloat16, .int16, .uint16: 16
    case .bool, .int8, .uint8, .float8e4m3fn, .float8e4m3fnuz, .float8e5m2, .float8e5m2fnuz, .float8e8m0: 8
    case .uint4, .int4, .float4e2m1: 4
    case .uint2, .int2: 2
    case .string: nil
    }
  }

  /// Bits of whole numbers, and whether they have a sign.
  private var wholeBits: (count: Int, isSigned: Bool)? {
    switch self {
    case .int2: (2, true)
    case .int4: (4, true)
    case .int8: (8, true)
    case .int16: (16, true)
    case .int32: (32, true)
    case .int64: (64, true)
    case .uint2: (2, false)
    case .uint4: (4, false)
    case .uint8: (8, false)
    case .uint16: (16, false)
    case .uint32: (32, false)
    case .uint64: (64, false)
    default: nil
    }
  }

  var isSigned: Bool { wholeBits?.isSigned ?? true }

  /// The whole numbers that it holds; those of `uint64` above 2⁶³ − 1 stand for themselves less 2⁶⁴.
  var limits: ClosedRange<Double> {
    guard let (count, isSigned) = wholeBits else { return 0...1 }
    let span = Double(sign: .plus, exponent: count, significand: 1)
    return isSigned ? (-span / 2)...(span / 2 - 1) : 0...(span - 1)
  }

  /// Its smallest or largest whole number, by its bits.
  func extreme(isLargest: Bool) -> Int64? {
    guard let (count, isSigned) = wholeBits else { return isLargest ? 1 : 0 }
    if isSigned { return isLargest ? Int64.max >> (64 - count) : Int64.min >> (64 - count) }
    return isLargest ? wrapped(-1) : 0
  }

  /// The low bits of a whole number, as an operation of this width leaves them. Truth values are 0 or 1.
  func wrapped(_ value: Int64) -> Int64 {
    guard let (count, isSigned) = wholeBits else { return value == 0 ? 0 : 1 }
    let unused = 64 - count
    return isSigned
      ? (value << unused) >> unused : Int64(bitPattern: (UInt64(bitPattern: value) << unused) >> unused)
  }

  /// Formats of real numbers with fewer bits than single precision.
  var smallFormat: SmallFormat? {
    switch self {
    case .float16: SmallFormat(exponentBits: 5, fractionBits: 10, bias: 15, largest: 65504, special: .infinityAndNaN)
    case .bfloat16:
      SmallFormat(
        exponentBits: 8, fractionBits: 7, bias: 127, largest: Double(Float(bitPattern: 0x7F7F_0000)),
        special: .infinityAndNaN)
    case .float8e4m3fn: SmallFormat(exponentBits: 4, fractionBits: 3, bias: 7, largest: 448, special: .onlyNaN)
    case .float8e4m3fnuz:
      SmallFormat(exponentBits: 4, fractionBits: 3, bias: 8, largest: 240, special: .negativeZeroIsNaN)
    case .float8e5m2: SmallFormat(exponentBits: 5, fractionBits: 2, bias: 15, largest: 57344, special: .infinityAndNaN)
    case .float8e5m2fnuz:
      SmallFormat(exponentBits: 5, fractionBits: 2, bias: 16, largest: 57344, special: .negativeZeroIsNaN)
    case .float4e2m1: SmallFormat(exponentBits: 2, fractionBits: 1, bias: 1, largest: 6, special: .none)
    default: nil
    }
  }

  /// The nearest number that it holds.
  ///
  /// - Parameter saturates: whether numbers beyond its range become its largest where the type has 8 bits.
  func rounded(_ value: Double, saturates: Bool = true, scaleRounding: FloatingPointRoundingRule = .up) -> Double {
    switch self {
    case .double: value
    case .float: Double(Float(value))
    case .float8e8m0: PowerOfTwoFormat.rounded(value, scaleRounding, saturates: saturates)
    default: smallFormat?.rounded(value, saturates: saturates || self == .float4e2m1) ?? value
    }
  }
}

/// A format of real numbers with few bits: a sign, an exponent and a fraction, round to nearest even, gradual underflow.
struct SmallFormat: Sendable {
  /// What the highest bit patterns mean.
  enum Special: Sendable { case infinityAndNaN, onlyNaN, negativeZeroIsNaN, none }

  let exponentBits: Int, fractionBits: Int, bias: Int
  let largest: Double
  let special: Special

  private var bits: Int { 1 + exponentBits + fractionBits }
  /// 16-bit formats overflow to infinity whatever is asked for.
  private var maySaturate: Bool { bits < 16 }

  func rounded(_ value: Double, saturates: Bool) -> Double {
    if value.isNaN { return special == .none ? -0.0 : value }
    if value == 0 { return special == .negativeZeroIsNaN ? 0 : value }
    if value.isInfinite { return overflowed(value, saturates) }
    let exponent = max(Int(value.exponent), 1 - bias)
    let step = Double(sign: .plus, exponent: exponent - fractionBits, significand: 1)
    let near = (value / step).rounded(.toNearestOrEven) * step
    if abs(near) > largest { return overflowed(value, saturates) }
    return near == 0 && special == .negativeZeroIsNaN ? 0 : near
  }

  private func overflowed(_ value: Double, _ saturates: Bool) -> Double {
    if saturates && maySaturate { return value < 0 ? -largest : largest }
    return special == .infinityAndNaN ? (value < 0 ? -.infinity : .infinity) : .nan
  }

  func decoded(_ pattern: UInt16) -> Double {
    let sign: Double = pattern >> (bits - 1) & 1 == 0 ? 1 : -1
    let exponent = Int(pattern >> fractionBits) & (1 << exponentBits - 1)
    let fraction = Int(pattern) & (1 << fractionBits - 1)
    let full = (1 << exponentBits - 1, 1 << fractionBits - 1)
    switch special {
    case .infinityAndNaN where exponent == full.0: return fraction == 0 ? sign * .infinity : .nan
    case .onlyNaN where exponent == full.0 && fraction == full.1: return .nan
    case .negativeZeroIsNaN where sign < 0 && exponent == 0 && fraction == 0: return .nan
    default: break
    }
    let part = Double(fraction) / Double(1 << fractionBits)
    let power = Double(sign: .plus, exponent: max(exponent, 1) - bias, significand: 1)
    return sign * power * (exponent == 0 ? part : 1 + part)
  }

  /// The bit pattern of a number of this format.
  func encoded(_ value: Double) -> UInt16 {
    let negative = UInt16(1) << (bits - 1)
    let field = UInt16(1 << exponentBits - 1) << fractionBits
    if value.isNaN {
      switch special {
      case .infinityAndNaN: return field | 1 << (fractionBits - 1)
      case .onlyNaN: return field | UInt16(1 << fractionBits - 1)
      default: return negative
      }
    }
    let sign = value.sign == .minus ? negative : 0
    if value.isInfinite { return sign | field }
    if value == 0 { return sign }
    let exponent = max(Int(value.exponent), 1 - bias)
    let step = Double(sign: .plus, exponent: exponent - fractionBits, significand: 1)
    let fraction = UInt16(abs(value) / step)
    let isSubnormal = fraction < 1 << fractionBits
    let stored = isSubnormal ? 0 : UInt16(exponent + bias)
    return sign | stored << fractionBits | fraction & (1 << fractionBits - 1)
  }
}

/// `float8e8m0`: powers of two from 2⁻¹²⁷ to 2¹²⁷ and NaN, the scales of blocks (OCP Microscaling Formats 1.0).
enum PowerOfTwoFormat {
  static func rounded(_ value: Double, _ rule: FloatingPointRoundingRule, saturates: Bool) -> Double {
    guard value.isFinite else { return saturates && value.isInfinite ? 0x1p127 : .nan }
    guard value > 0 else { return value == 0 ? 0x1p-127 : .nan }
    var exponent = Int(value.exponent)
    let isPower = value.significand == 1
    switch rule {
    case .up: exponent += isPower ? 0 : 1
    case .down: break
    default: exponent += value.significand >= 1.5 ? 1 : 0
    }
    if exponent > 127 { return saturates ? 0x1p127 : .nan }
    return Double(sign: .plus, exponent: max(exponent, -127), significand: 1)
  }

  static func decoded(_ pattern: UInt8) -> Double {
    pattern == 0xFF ? .nan : Double(sign: .plus, exponent: Int(pattern) - 127, significand: 1)
  }

  static func encoded(_ value: Double) -> UInt8 { value.isNaN ? 0xFF : UInt8(clamping: Int(value.exponent) + 127) }
}
