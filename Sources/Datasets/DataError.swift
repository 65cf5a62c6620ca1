/// What can go wrong with data files. Every message says what to do.
public enum DataError: Error, Equatable, CustomStringConvertible {
  /// The file cannot be opened or read.
  case unreadable(path: String)
  /// The file is not what its format demands; `place` is a line (from 1) in text and a byte in binary files.
  case malformed(path: String, format: String, place: Int, problem: String)
  /// The contents are larger than the caller allows.
  case tooLarge(path: String, limit: Int)

  public var description: String {
    switch self {
    case .unreadable(let path): "\(path) cannot be read: check the name and its permissions"
    case .malformed(let path, let format, let place, let problem):
      "\(path) is not a valid \(format) file (at \(place)): \(problem): get the file again"
    case .tooLarge(let path, let limit):
      "\(path) unpacks to more than \(limit) bytes: raise `limit` if that is right"
    }
  }
}
