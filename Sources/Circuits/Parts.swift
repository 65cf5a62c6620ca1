import Substrates

extension Part {
  /// A cell of an array.
  public static let cell: Part = "cell"
  /// A cell that is there and holds no weight, as the matrix does not fill its array.
  public static let spareCell: Part = "spare cell"
  /// An array of cells with its drivers.
  public static let array: Part = "array"
  /// Turns numbers into voltages.
  public static let inputConverter: Part = "input converter"
  /// Turns currents into numbers.
  public static let outputConverter: Part = "output converter"
  public static let amplifier: Part = "amplifier"
  public static let multiplier: Part = "analog multiplier"
  /// Decides which of two signals is larger.
  public static let comparator: Part = "comparator"
  /// Arrays and amplifiers that settle together.
  public static let closedLoop: Part = "closed loop"
}

extension Event {
  /// One number through a converter.
  public static let conversion: Event = "conversion"
  /// One of those conversions, whose signal was beyond the range.
  public static let clipped: Event = "clipped conversion"
  /// One of those conversions, whose range was never set from data: it is what the array can give at most.
  public static let uncalibrated: Event = "uncalibrated conversion"
  /// Conversions that follow one another, which is what takes time.
  public static let turn: Event = "turn"
  /// Reads of arrays that follow one another.
  public static let step: Event = "step"
  /// One cell in one read.
  public static let read: Event = "read"
  /// What cells took while they were read, ΣV²·G·t, in joules.
  public static let joule: Event = "joule"
  /// One programming pulse of one cell.
  public static let pulse: Event = "pulse"
  /// Programming pulses of cells that follow one another.
  public static let pulseTurn: Event = "pulse turn"
  /// What programming took, in joules, where the device knows.
  public static let programmingJoule: Event = "programming joule"
  /// Time that parts worked, in seconds.
  public static let second: Event = "second"
  /// Time in which loops settled, one after the other, in seconds.
  public static let settling: Event = "settling second"
  /// One decision of a comparator.
  public static let decision: Event = "decision"
}
