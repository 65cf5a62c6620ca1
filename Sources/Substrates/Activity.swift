/// What hardware did while a computation ran: counts, from which a cost model makes joules and seconds.
///
/// Every primitive adds to the counts of the context it is given. Counts are exact; nothing is sampled.
public struct Activity: Codable, Sendable, Equatable {
  /// Cells that took part in a read: two for a differential pair, for every vector.
  public var cellReads = 0
  /// Values turned into voltages.
  public var inputConversions = 0
  /// Currents turned into numbers.
  public var outputConversions = 0
  /// Programming pulses.
  public var pulses = 0
  /// Multiply–accumulate operations in digital logic.
  public var digitalOperations = 0
  /// Bytes moved between memory and arithmetic.
  public var bytesMoved = 0
  /// Array operations that have to follow one another.
  public var serialSteps = 0

  public init() {}

  public static func + (a: Activity, b: Activity) -> Activity {
    var sum = a
    sum += b
    return sum
  }

  public static func += (a: inout Activity, b: Activity) {
    a.cellReads += b.cellReads
    a.inputConversions += b.inputConversions
    a.outputConversions += b.outputConversions
    a.pulses += b.pulses
    a.digitalOperations += b.digitalOperations
    a.bytesMoved += b.bytesMoved
    a.serialSteps += b.serialSteps
  }
}
