import Foundation

/// The processes that `mpirun` of Open MPI started.
///
/// The library is loaded when it is needed and not linked, so that nobody has to install it for one process. Its handles
/// are the addresses of global variables, which is Open MPI's binary interface; other implementations are refused.
public final class MessagePassing: Team, @unchecked Sendable {
  public let rank: Int
  public let size: Int
  private let library: UnsafeMutableRawPointer
  private let world: UnsafeMutableRawPointer, double: UnsafeMutableRawPointer, plus: UnsafeMutableRawPointer

  private typealias Initialise = @convention(c) (UnsafeMutableRawPointer?, UnsafeMutableRawPointer?) -> Int32
  private typealias Finalise = @convention(c) () -> Int32
  private typealias Query = @convention(c) (UnsafeMutableRawPointer, UnsafeMutablePointer<Int32>) -> Int32
  private typealias Reduce =
    @convention(c) (
      UnsafeRawPointer, UnsafeMutableRawPointer, Int32, UnsafeMutableRawPointer, UnsafeMutableRawPointer,
      UnsafeMutableRawPointer
    ) -> Int32
  private typealias Abort = @convention(c) (UnsafeMutableRawPointer, Int32) -> Int32

  /// Joins the team, or nothing where the process was not started by `mpirun`.
  ///
  /// - Throws: `TeamError`.
  public static func join() throws(TeamError) -> MessagePassing? {
    let environment = ProcessInfo.processInfo.environment
    if environment["OMPI_COMM_WORLD_SIZE"] == nil {
      if environment["PMI_SIZE"].flatMap(Int.init) ?? 1 > 1 { throw .unsupported }
      return nil
    }
    return try MessagePassing()
  }

  private init() throws(TeamError) {
    guard let library = dlopen("libmpi.so.40", RTLD_NOW | RTLD_GLOBAL) ?? dlopen("libmpi.so", RTLD_NOW | RTLD_GLOBAL)
    else { throw .libraryMissing }
    func symbol(_ name: String) throws(TeamError) -> UnsafeMutableRawPointer {
      guard let found = dlsym(library, name) else { throw .unsupported }
      return found
    }
    self.library = library
    (world, double, plus) = (
      try symbol("ompi_mpi_comm_world"), try symbol("ompi_mpi_double"), try symbol("ompi_mpi_op_sum")
    )
    let initialise = unsafeBitCast(try symbol("MPI_Init"), to: Initialise.self)
    guard initialise(nil, nil) == 0 else { throw .failed(operation: "MPI_Init") }
    var (rank, size): (Int32, Int32) = (0, 1)
    guard unsafeBitCast(try symbol("MPI_Comm_rank"), to: Query.self)(world, &rank) == 0,
      unsafeBitCast(try symbol("MPI_Comm_size"), to: Query.self)(world, &size) == 0
    else { throw .failed(operation: "MPI_Comm_size") }
    (self.rank, self.size) = (Int(rank), Int(size))
  }

  public func sum(_ values: [Double]) throws -> [Double] {
    guard let symbol = dlsym(library, "MPI_Allreduce"), values.count <= Int(Int32.max) else {
      throw TeamError.unsupported
    }
    var result = [Double](repeating: 0, count: values.count)
    let status = unsafeBitCast(symbol, to: Reduce.self)(values, &result, Int32(values.count), double, plus, world)
    guard status == 0 else { throw TeamError.failed(operation: "MPI_Allreduce") }
    return result
  }

  /// Leaves in good order. Every process has to call it.
  public func leave() {
    if let symbol = dlsym(library, "MPI_Finalize") { _ = unsafeBitCast(symbol, to: Finalise.self)() }
  }

  /// Ends all processes of the team, which would otherwise wait for this one for ever.
  public func abort(_ status: Int32) {
    if let symbol = dlsym(library, "MPI_Abort") { _ = unsafeBitCast(symbol, to: Abort.self)(world, status) }
  }
}

/// What can go wrong between processes. Every message says what to do.
public enum TeamError: Error, Equatable, CustomStringConvertible {
  case libraryMissing
  case unsupported
  case failed(operation: String)

  public var description: String {
    switch self {
    case .libraryMissing:
      "mpirun started this process, but libmpi.so is not found: install Open MPI (package openmpi-bin) on every node"
    case .unsupported: "this MPI is not Open MPI: start the program with the mpirun of Open MPI 4 or 5"
    case .failed(let operation): "\(operation) failed: look at the messages of mpirun"
    }
  }
}
