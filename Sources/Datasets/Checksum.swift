import CCrypto
import Foundation

/// SHA-256 checksums, by OpenSSL.
public enum Checksum {
  /// Of bytes, as 64 lower-case hexadecimal digits.
  public static func sha256(_ data: Data) -> String {
    var state = State()
    state.add(data)
    return state.finish()
  }

  /// Of a file, read in pieces.
  ///
  /// - Throws: `DataError.unreadable`.
  public static func sha256(file path: String) throws(DataError) -> String {
    guard let file = FileHandle(forReadingAtPath: path) else { throw .unreadable(path: path) }
    defer { try? file.close() }
    var state = State()
    do {
      while let piece = try file.read(upToCount: 1 << 20), !piece.isEmpty { state.add(piece) }
    } catch {
      throw .unreadable(path: path)
    }
    return state.finish()
  }

  private struct State: ~Copyable {
    private let context = EVP_MD_CTX_new()

    init() { EVP_DigestInit_ex(context, EVP_sha256(), nil) }
    deinit { EVP_MD_CTX_free(context) }

    mutating func add(_ data: Data) { data.withUnsafeBytes { _ = EVP_DigestUpdate(context, $0.baseAddress, $0.count) } }

    mutating func finish() -> String {
      var digest = [UInt8](repeating: 0, count: 32)
      EVP_DigestFinal_ex(context, &digest, nil)
      return digest.map { String(format: "%02x", $0) }.joined()
    }
  }
}
