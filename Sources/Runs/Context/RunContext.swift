import Chips
import Foundation
import Tensors

/// What a run is given: substrate, randomness, data, helpers over several processes, progress and cancellation.
public struct RunContext: Sendable {
  public var seed: UInt64
  public var substrate: SubstrateChoice
  /// The run's own folder, for checkpoints and models; nothing where the run leaves no files.
  public var folder: String?
  /// Folder with data sets, where there is one.
  public var dataFolder: String?
  /// Other processes of the same run.
  public var team: any Team
  /// Told about progress; may be called from any thread.
  public var listener: any RunListener

  public init(
    seed: UInt64 = 1, substrate: SubstrateChoice = SubstrateChoice(), folder: String? = nil, dataFolder: String? = nil,
    team: any Team = Alone(), listener: any RunListener = NoListener()
  ) {
    self.seed = seed
    self.substrate = substrate
    self.folder = folder
    self.dataFolder = dataFolder
    self.team = team
    self.listener = listener
  }

  /// The stream that all randomness of the run comes from; split it by name.
  public var random: RandomStream { RandomStream(seed: seed) }

  /// Records one value of a metric that changes during the run.
  ///
  /// - Throws: `RunCancelled` when someone asked the run to stop.
  public func record(_ metric: String, step: Int, value: Double) throws {
    try checkCancellation()
    if team.rank == 0 { listener.recorded(metric: metric, step: step, value: value) }
  }

  /// Says how much is done, from 0 to 1.
  ///
  /// - Throws: `RunCancelled` when someone asked the run to stop.
  public func progress(_ fraction: Double, _ text: String) throws {
    try checkCancellation()
    if team.rank == 0 { listener.progressed(fraction: min(1, max(0, fraction)), text: text) }
  }

  /// - Throws: `RunCancelled` when someone asked the run to stop.
  public func checkCancellation() throws {
    if listener.isCancelled { throw RunCancelled() }
  }
}

/// Someone asked the run to stop.
public struct RunCancelled: Error, CustomStringConvertible {
  public init() {}
  public var description: String { "the run was cancelled" }
}

/// Who hears about a run while it goes on.
public protocol RunListener: Sendable {
  func recorded(metric: String, step: Int, value: Double)
  func progressed(fraction: Double, text: String)
  var isCancelled: Bool { get }
}

/// Nobody listens.
public struct NoListener: RunListener {
  public init() {}
  public func recorded(metric: String, step: Int, value: Double) {}
  public func progressed(fraction: Double, text: String) {}
  public var isCancelled: Bool { false }
}

/// The processes that work on one run: one, or those that `mpirun` started.
public protocol Team: Sendable {
  /// Number of this process, from 0.
  var rank: Int { get }
  /// Number of processes.
  var size: Int { get }
  /// The element-wise sum over all processes, the same in each. Every process has to call it.
  func sum(_ values: [Double]) throws -> [Double]
}

extension Team {
  /// The part of `count` pieces of work that this process does: pieces are dealt out in turn.
  public func share(of count: Int) -> StrideTo<Int> { stride(from: rank, to: count, by: size) }
}

/// One process.
public struct Alone: Team {
  public init() {}
  public var rank: Int { 0 }
  public var size: Int { 1 }
  public func sum(_ values: [Double]) -> [Double] { values }
}
