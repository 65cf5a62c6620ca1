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
  /// Amplifiers of closed loops × the time they worked, in seconds.
  public var amplifiers_s = 0.0
  /// Cells of closed loops × the time they conducted, in seconds.
  public var cells_s = 0.0
  /// Settling of closed loops, one after the other, in seconds.
  public var settling_s = 0.0

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
    a.amplifiers_s += b.amplifiers_s
    a.cells_s += b.cells_s
    a.settling_s += b.settling_s
  }

  /// Every count, in a fixed order, for processes that add up theirs.
  package var numbers: [Double] {
    [
      Double(cellReads), Double(inputConversions), Double(outputConversions), Double(pulses), Double(digitalOperations),
      Double(bytesMoved), Double(serialSteps), amplifiers_s, cells_s, settling_s,
    ]
  }

  /// The opposite of `numbers`, which must have as many.
  package init(numbers: [Double]) {
    (cellReads, inputConversions, outputConversions) = (Int(numbers[0]), Int(numbers[1]), Int(numbers[2]))
    (pulses, digitalOperations, bytesMoved) = (Int(numbers[3]), Int(numbers[4]), Int(numbers[5]))
    (serialSteps, amplifiers_s, cells_s, settling_s) = (Int(numbers[6]), numbers[7], numbers[8], numbers[9])
  }
}
