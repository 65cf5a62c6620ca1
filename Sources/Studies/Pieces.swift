import Foundation
import Runs
import Tensors

extension RunContext {
  /// Work in pieces that are dealt out to the processes of the run and to the threads of each. What a piece gives may depend on
  /// its number alone, so that the split does not matter.
  ///
  /// - Parameters:
  ///   - part: of the run's progress that this is; none is told if missing.
  ///   - body: does a piece; called from several threads.
  /// - Returns: what all pieces gave, in order, the same in each process; and what those of this process gave, with all that is
  ///   left out when it is coded.
  /// - Throws: what the first failing piece throws; `RunCancelled`.
  public func pieces<Piece: Codable & Sendable>(
    _ count: Int, progress part: ClosedRange<Double>? = nil, _ text: String = "",
    _ body: @Sendable (Int) throws -> Piece
  ) throws -> (all: [Piece], mine: [Int: Piece]) {
    var mine: [Int: Piece] = [:]
    let share = Array(team.share(of: count))
    // Some pieces at a time, so that progress is told and cancellation heard in between.
    for start in stride(from: 0, to: share.count, by: 16) {
      let wave = Array(share[start..<min(share.count, start + 16)])
      let results = Locked([Int: Result<Piece, any Error>]())
      parallelFor(wave.count) { part in
        for i in wave[part] {
          let result = Result { try body(i) }
          results.withLock { $0[i] = result }
        }
      }
      for i in wave { mine[i] = try results.withLock { $0[i] }?.get() }
      let done = Double(start + wave.count) / Double(share.count)
      try checkCancellation()
      if let part { try progress(part.lowerBound + done * (part.upperBound - part.lowerBound), text) }
    }
    return (try team.gather(mine, pieces: count), mine)
  }
}
