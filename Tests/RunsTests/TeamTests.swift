import Foundation
import Runs
import Testing

@Suite("Teams") struct TeamTests {
  @Test("pieces of work shared by several processes give the figures of one")
  func shares() throws {
    // Two members of a team that know each other's numbers: what message passing does, in one process.
    struct Member: Team {
      var rank: Int
      var size = 2
      let other: @Sendable ([Double]) -> [Double]
      func sum(_ values: [Double]) -> [Double] { zip(values, other(values)).map(+) }
    }
    #expect(Array(Member(rank: 1) { $0 }.share(of: 5)) == [1, 3])
    // Lengths first, then the other member's piece in numbers of six bytes.
    let theirs = Data("ledger".utf8)
    let packed = theirs.enumerated().reduce(0.0) { $0 + Double(UInt64($1.element) << (8 * $1.offset)) }
    let gathered = try Member(rank: 0) { $0.count == 3 ? [0, 6, 0] : [0, packed, 0, 0] }.gather(
      [0: Data([1, 2]), 2: Data([255, 0, 3, 4, 5, 6, 7])], pieces: 3)
    #expect(gathered == [Data([1, 2]), theirs, Data([255, 0, 3, 4, 5, 6, 7])])
  }

  /// Two processes as threads: sums wait for both.
  private final class Room: @unchecked Sendable {
    private let condition = NSCondition()
    private var (waiting, done): ([Double]?, [Double]) = (nil, [])
    private var turn = 0

    func sum(_ values: [Double]) -> [Double] {
      condition.lock()
      defer { condition.unlock() }
      if let other = waiting {
        (waiting, done) = (nil, zip(other, values).map(+))
        turn += 1
        condition.broadcast()
      } else {
        waiting = values
        let own = turn
        while turn == own { condition.wait() }
      }
      return done
    }
  }

  @Test("values that two processes gather keep every bit, as one process has them")
  func values() throws {
    struct Member: Team {
      let rank: Int, size = 2, room: Room
      func sum(_ values: [Double]) -> [Double] { room.sum(values) }
    }
    let numbers = [[0.1, .leastNonzeroMagnitude], [.infinity, 1.0 / 3], [], [-7e300]]
    let room = Room()
    nonisolated(unsafe) var found = [[[Double]]?](repeating: nil, count: 2)
    let lock = NSLock()
    DispatchQueue.concurrentPerform(iterations: 2) { rank in
      let member = Member(rank: rank, room: room)
      let mine = Dictionary(uniqueKeysWithValues: member.share(of: numbers.count).map { ($0, numbers[$0]) })
      let all = try? member.gather(mine, pieces: numbers.count)
      lock.withLock { found[rank] = all }
    }
    #expect(found == [numbers, numbers])
    let mine = Dictionary(uniqueKeysWithValues: numbers.enumerated().map { ($0.offset, $0.element) })
    #expect(try Alone().gather(mine, pieces: numbers.count) == numbers)
  }
}
